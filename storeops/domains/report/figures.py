"""The figures of some days: of the whole chain, of each shop and of each guide.

The unit is the customer: a person counts once in a line, whatever happened how often, so that the
lines of shops may add up to more than the chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields

from storeops import times
from storeops.changes.action import DONE, REFUSED
from storeops.database.database import Database
from storeops.domains.handover import days as handovers
from storeops.i18n import N_, kept, kept_plural, said
from storeops.notebook.stores import list_shops
from storeops.operations.reports import Period
from storeops.reading import directory
from storeops.reading import flows as relations
from storeops.reading.held import Held, held

MAIN = ("customers", "new", "lost", "handed_over", "waiting", "refused", "untagged")
_ANSWERED_LATE_S = 60 * 86_400  # handovers older than this have long been answered
SYNC, WATCH = "storeops sync run", "storeops handover watch"


@dataclass(slots=True)
class Figures:
    """Customers of one line; None is what could not be known, and never zero.

    Attributes:
        customers: whom somebody followed at the end of the days, leavers' ones too.
        new: whom somebody added, or who added somebody; handovers are not among them.
        lost: of whom a relation ended otherwise than by a handover.
        lost_by_customer, lost_by_guide: the customer deleted the guide, the guide the customer.
        lost_found: a reading found them gone, and nobody said who ended it.
        handed_over: who went to a colleague.
        taken_over: who came from one.
        waiting: whose handover was under way at the end.
        refused: who declined one.
        untagged: of `customers`, those without any tag.
        tags_given: tags that were put on relations.
    """

    customers: int | None = 0
    new: int | None = 0
    lost: int | None = 0
    lost_by_customer: int | None = 0
    lost_by_guide: int | None = 0
    lost_found: int | None = 0
    handed_over: int | None = 0
    taken_over: int | None = 0
    waiting: int | None = 0
    refused: int | None = 0
    untagged: int | None = 0
    tags_given: int | None = 0

    def main(self) -> dict[str, int | None]:
        """The seven that every report shows."""
        return {name: getattr(self, name) for name in MAIN}

    def as_dict(self) -> dict[str, int | None]:
        """All of them."""
        return {name: getattr(self, name) for name in NAMES}

    def any(self) -> bool:
        """Whether one is not zero."""
        return any(getattr(self, name) for name in NAMES)


NAMES = tuple(each.name for each in fields(Figures))


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """One shop: department id (0 for members of none), the chain's own number, name, figures."""

    department_id: int
    store_code: str
    store: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class GuideFigures:
    """One guide (staff.id): the shop is the one they were in at the end of the days."""

    staff: int
    userid: str
    name: str
    department_id: int
    store: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class DaysFigures:
    """The figures of some days.

    Attributes:
        period: which days.
        complete: whether all of it could be known.
        totals: of the whole chain.
        stores: by number, then by department; every shop with members or figures.
        guides: by shop, then by name; everybody with figures.
        kept_notes: what could not be known, a sentence each, to be stored (`i18n.kept`).
        next_steps: commands that would make it complete.
    """

    period: Period
    complete: bool
    totals: Figures
    stores: Sequence[StoreFigures]
    guides: Sequence[GuideFigures]
    kept_notes: Sequence[str]
    next_steps: Sequence[str]

    @property
    def notes(self) -> list[str]:
        """What could not be known, in the user's language."""
        return [said(each) for each in self.kept_notes]


def figures(db: Database, period: Period, now: float) -> DaysFigures:
    """Count; reads only, some 200 ms for 200,000 customers.

    Args:
        db: data.db.
        period: which days.
        now: WeCom's time, Unix seconds.
    """
    return figures_of(db, [period], now)[0]


def figures_of(db: Database, periods: Sequence[Period], now: float) -> list[DaysFigures]:
    """The figures of several periods; how things stood is counted once for all that end together.

    Args:
        db: data.db.
        periods: which days.
        now: WeCom's time, Unix seconds.
    """
    stood: dict[int, Held] = {}
    return [_figures(db, each, now, stood) for each in periods]


def _figures(db: Database, period: Period, now: float, stood: dict[int, Held]) -> DaysFigures:
    """`stood` is by the end of days, and grows."""
    days = relations.span(db, period.start, period.end)
    store_of = relations.stores_then(db, days)
    attempts = handovers.within(db, period.start, period.end)
    moved_at = handovers.moved_since(db, period.end - _ANSWERED_LATE_S)
    pairs = relations.pairs_of(
        db,
        {
            *moved_at,
            *((each.handover_userid, each.external_userid) for each in attempts.waiting),
            *((each.handover_userid, each.external_userid) for each in attempts.settled),
            *((each.takeover_userid, each.external_userid) for each in attempts.settled),
        },
    )
    known_moves = {pairs[key]: at for key, at in moved_at.items() if key in pairs}
    if period.end not in stood:
        stood[period.end] = held(db, days, store_of, known_moves)
    then = stood[period.end]
    flow = relations.flows(db, days)
    board = _Board(store_of)
    board.total.customers, board.total.untagged = then.total, then.untagged
    for name, by_store, by_staff in (
        ("customers", then.by_store, then.by_staff),
        ("untagged", then.untagged_by_store, then.untagged_by_staff),
    ):
        for store, number in by_store.items():
            setattr(board.store(store), name, number)
        for staff, number in by_staff.items():
            setattr(board.guide(staff), name, number)
    board.count("new", flow.added)
    board.count("lost", flow.lost)
    for how in (relations.BY_CUSTOMER, relations.BY_MEMBER, relations.FOUND):
        name = {relations.BY_MEMBER: "lost_by_guide", relations.FOUND: "lost_found"}.get(
            how, "lost_by_customer"
        )
        board.count(name, (pair for pair, ended in flow.lost.items() if ended == how))
    from_owner = _named(pairs, "handover_userid")
    moved = attempts.ended(DONE)
    board.count("handed_over", {*from_owner(moved), *(flow.moved - known_moves.keys())})
    board.count("taken_over", _named(pairs, "takeover_userid")(moved))
    board.count("waiting", from_owner(attempts.waiting))
    board.count("refused", from_owner(attempts.ended(REFUSED)))
    for pair, number in flow.tags.items():
        board.add("tags_given", pair[1], number)
    unknown = _unknown(db, period, flow, now)
    board.forget(unknown)
    complete, notes, steps = _certainty(db, period, days, attempts, now)
    stores = _stores(db, board, unknown)
    return DaysFigures(period, complete, board.total, stores, _guides(db, board), notes, steps)


def _unknown(db: Database, period: Period, flow: relations.Flows, now: float) -> Sequence[str]:
    """Figures of which nothing could be known: a day without data is not zero."""
    known, newest = relations.known_since(db), relations.last_reading(db)
    if known is None or newest is None:
        return NAMES
    unread = newest < period.end <= now and not (flow.added or flow.lost)
    unknown = ["new"] if unread else []
    if unread or (known >= period.start and not flow.lost):
        unknown += ["lost", "lost_by_customer", "lost_by_guide", "lost_found"]
    return unknown


def _named(
    pairs: dict[tuple[str, str], relations.Pair], side: str
) -> Callable[[Iterable[handovers.AttemptRecord]], list[relations.Pair]]:
    """What gives the pairs of attempts, of the former owner or the new one."""

    def of(attempts: Iterable[handovers.AttemptRecord]) -> list[relations.Pair]:
        keys = ((getattr(each, side), each.external_userid) for each in attempts)
        return [pairs[key] for key in keys if key in pairs]

    return of


@dataclass(slots=True)
class _Board:
    """The lines while they are filled."""

    store_of: dict[int, int]
    total: Figures = field(default_factory=Figures)
    stores: dict[int, Figures] = field(default_factory=dict)
    guides: dict[int, Figures] = field(default_factory=dict)

    def store(self, key: int) -> Figures:
        return self.stores.setdefault(key, Figures())

    def guide(self, key: int) -> Figures:
        return self.guides.setdefault(key, Figures())

    def lines(self) -> Iterator[Figures]:
        yield self.total
        yield from self.stores.values()
        yield from self.guides.values()

    def add(self, name: str, staff: int, number: int) -> None:
        for line in (self.total, self.store(self.store_of.get(staff, 0)), self.guide(staff)):
            setattr(line, name, (getattr(line, name) or 0) + number)

    def forget(self, names: Iterable[str]) -> None:
        """These are not known."""
        for name in names:
            for line in self.lines():
                setattr(line, name, None)

    def count(self, name: str, pairs: Iterable[relations.Pair]) -> None:
        """Count each customer once in each line."""
        people, in_store, of_guide = set[int](), set[tuple[int, int]](), set[tuple[int, int]]()
        for customer, staff in pairs:
            people.add(customer)
            in_store.add((self.store_of.get(staff, 0), customer))
            of_guide.add((staff, customer))
        setattr(self.total, name, len(people))
        for line, keys in ((self.store, in_store), (self.guide, of_guide)):
            for key, _customer in keys:
                found = line(key)
                setattr(found, name, getattr(found, name) + 1)


def _stores(db: Database, board: _Board, unknown: Sequence[str]) -> list[StoreFigures]:
    shops = {each.department_id: each for each in list_shops(db)}
    names = directory.department_names(db)
    keys = directory.staffed_shops(db)
    keys |= {key for key, each in board.stores.items() if each.any()} | shops.keys()
    nothing = Figures(**dict.fromkeys(unknown))
    found = []
    for key in keys:
        shop = shops.get(key)
        name = (shop.name if shop else "") or names.get(key, "")
        line = board.stores.get(key, nothing)
        found.append(StoreFigures(key, shop.code if shop else "", name, line))
    return sorted(found, key=lambda each: (not each.store_code, each.store_code,
                                           not each.department_id, each.department_id))  # fmt: skip


def _guides(db: Database, board: _Board) -> list[GuideFigures]:
    shops = {each.department_id: each.name for each in list_shops(db) if each.name}
    names = directory.department_names(db)
    people = directory.member_keys(db)
    found = []
    for key, line in board.guides.items():
        if not line.any():
            continue
        userid, name = people[key]
        store = board.store_of.get(key, 0)
        found.append(
            GuideFigures(key, userid, name, store, shops.get(store) or names.get(store, ""), line)
        )
    return sorted(found, key=lambda each: (each.department_id, each.name, each.userid))


def _certainty(
    db: Database,
    period: Period,
    days: relations.DaySpan,
    attempts: handovers.SpanOfAttempts,
    now: float,
) -> tuple[bool, list[str], list[str]]:
    """(whether all could be known, what could not (kept), commands that would help)."""
    notes: list[str] = []
    steps: list[str] = []
    known = relations.known_since(db)
    if now < period.end:
        notes.append(kept(N_("{day} is not over yet."), day=period.until))
    if known is None:
        notes.append(
            kept(N_("Nothing was read from WeCom completely yet; these figures say nothing."))
        )
        steps.append(SYNC)
    elif known >= period.start:
        notes.append(
            kept(
                N_(
                    "The first complete reading began on {time}: who was lost before is not known,"
                    " and tags and shops are as first read."
                ),
                time=times.minute(known),
            )
        )
    if known is not None and now >= period.end and days.closed_at == period.end:
        notes.append(_unclosed(db, period))
        if relations.next_reading(db, period.end) is None:
            steps.append(SYNC)
    elif known is not None and known < period.start and days.opened_at == period.start:
        notes.append(
            kept(
                N_(
                    "No reading closed the day before {day}: what ended or was tagged then may be"
                    " among these figures."
                ),
                day=period.since,
            )
        )
    if attempts.due:
        notes.append(
            kept_plural(
                "How {count} handover ended was not asked yet; it counts as waiting.",
                "How {count} handovers ended was not asked yet; they count as waiting.",
                attempts.due,
            )
        )
        steps.append(WATCH)
    return not notes, notes, steps


def _unclosed(db: Database, period: Period) -> str:
    """Why nothing closes the days: no reading since, one that was not whole, or a late one."""
    later = relations.next_reading(db, period.end)
    if later is not None:
        return kept(
            N_(
                "The first complete reading after {day} began only on {time}: what it found cannot"
                " be told from the days between."
            ),
            day=period.until, time=times.minute(later),
        )  # fmt: skip
    unread = relations.unread_members(db, period.end)
    if unread is None:
        return kept(N_("WeCom was not read since {day} ended."), day=period.until)
    return kept_plural(
        "{count} member could not be read since {day} ended; of their customers only what events"
        " told is known.",
        "{count} members could not be read since {day} ended; of their customers only what"
        " events told is known.",
        unread,
        day=period.until,
    )


def curve(
    db: Database, period: Period, now: float, store: int | None = None
) -> list[tuple[str, int | None, int | None]]:
    """(day, new, lost) of each day; None where nothing could be known.

    Args:
        db: data.db.
        period: which days.
        now: WeCom's time, Unix seconds.
        store: department id of the shop whose members' relations count; None: all.
    """
    starts = period.starts()
    known = relations.known_since(db)
    found: list[tuple[str, int | None, int | None]] = []
    newest = relations.last_reading(db)
    staff = None
    if store is not None:
        store_of = relations.stores_then(db, relations.span(db, period.start, period.end))
        staff = {member for member, shop in store_of.items() if shop == store}
    for start, (new, lost) in zip(starts, relations.per_day(db, starts, staff), strict=False):
        seen = newest is not None and (newest >= start + 86_400 or new or lost) and start < now
        before = known is None or start < times.midnight(known).timestamp()
        found.append(
            (times.day(start), new if seen else None, lost if seen and not before else None)
        )
    return found
