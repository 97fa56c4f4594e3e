"""Plans of contact ways: made one by one or for every shop or guide, changed, deleted."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storeops.changes import plans
from storeops.changes.action import Row
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan
from storeops.changes.problems import Problem, Problems
from storeops.domains.contact_way.action import ADD, DELETE, KIND, UPDATE
from storeops.domains.contact_way.ways import DEAD, OK, STALE, People, Way, listed
from storeops.errors import UsageError
from storeops.i18n import N_, _, kept, kept_plural, ngettext
from storeops.mirror import members
from storeops.mirror.members import Member
from storeops.notebook import stores
from storeops.plain import plain
from storeops.reading.customers import names_of

SINGLE, MULTI, QR = 1, 2, 2
STORE, GUIDE = "store", "guide"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
PLACES = ("store", "name", "department", "userid")


@dataclass(slots=True)
class Request:
    """What contact ways are to become.

    Attributes:
        add: fields of each new way.
        update: (way, changed fields).
        delete: ways.
        problems: what could not be taken, and warnings.
    """

    add: list[Mapping[str, Any]] = field(default_factory=list)
    update: list[tuple[Way, Mapping[str, Any]]] = field(default_factory=list)
    delete: list[Way] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)

    def change(self, way: Way, fields: Mapping[str, Any]) -> bool:
        """Note what of the fields differs from the way; whether anything does."""
        now = way.fields
        changed = {key: value for key, value in fields.items() if not _equal(now[key], value)}
        if changed:
            self.update.append((way, changed))
        return bool(changed)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return [str(each).lower() for each in one] == [str(each).lower() for each in other]
    return bool(one == other)


def plan(
    ledger: Ledger, request: Request, *, title: str = "", reason: str = "", command: str = "",
    strict: bool = False,
) -> Plan:  # fmt: skip
    """Store the plan of a request; nothing is sent.

    Args:
        ledger: the profile's ledger.
        request: what is to happen.
        title: of the plan; "" for one that counts.
        reason: why, for the journal.
        command: the command line that makes this plan again.
        strict: refuse everything when a row could not be taken.

    Raises:
        NothingToDoError: all is so already.
        UsageError: with `strict`, a row that could not be taken.
    """
    now = int(ledger.clock.now())
    rows: list[Row] = []
    for fields in request.add:
        mark = secrets.token_hex(8)
        extra: dict[str, Any] = {
            "op": ADD, "mark": mark, "planned_at": now, "label": _label(fields),
            "known": _known_alike(ledger, fields),
        }  # fmt: skip
        rows.append(Row(len(rows) + 1, subject=f"add:{mark}", after=fields, extra=extra))
    for way, changed in request.update:
        before = {key: way.fields[key] for key in changed}
        extra = {"op": UPDATE, "config_id": way.config_id, "label": way.label}
        # WeCom may name members by userids that they had before, but takes only present ones
        if renamed := members.current_userids(ledger.db, way.user):
            extra["renamed"] = renamed
        rows.append(
            Row(len(rows) + 1, subject=way.config_id, before=before, after=changed, extra=extra)
        )
    for way in request.delete:
        extra = {"op": DELETE, "config_id": way.config_id, "label": way.label}
        rows.append(
            Row(
                len(rows) + 1,
                subject=way.config_id,
                before=_present(way),
                after={"deleted": True},
                extra=extra,
            )
        )
    if request.delete:
        request.problems.append(loss(request.delete))
    return plans.make(
        ledger, KIND, rows, params={"command": command}, problems=request.problems, strict=strict,
        title=title or _title(request), reason=reason,
    )  # fmt: skip


def _known_alike(ledger: Ledger, fields: Mapping[str, Any]) -> list[str]:
    """config_ids of the same name and state: a way that is made now is none of them."""
    found = ledger.db.execute(
        "SELECT config_id FROM contact_way WHERE remark = ? AND state = ? ORDER BY id DESC"
        " LIMIT 100",
        (fields.get("remark", ""), fields.get("state", "")),
    )
    return [config_id for (config_id,) in found]


def _present(way: Way) -> dict[str, Any]:
    """What a deletion takes away, so that a change meanwhile is seen."""
    return {key: way.fields[key] for key in ("remark", "state", "user", "party")}


def _label(fields: Mapping[str, Any]) -> str:
    return str(fields.get("remark") or fields.get("state") or ", ".join(fields.get("user", ())))


def _title(request: Request) -> str:
    parts = [
        text
        for text, asked in (
            (kept_plural("{count} new", "{count} new", len(request.add)), request.add),
            (
                kept_plural("{count} changed", "{count} changed", len(request.update)),
                request.update,
            ),
            (
                kept_plural("{count} deleted", "{count} deleted", len(request.delete)),
                request.delete,
            ),
        )
        if asked
    ]
    return kept(N_("Contact ways: {parts}"), parts=parts)


def loss(ways: Sequence[Way]) -> Problem:
    """The warning before codes are deleted; the ways with their customers counted."""
    count = sum(each.customers or 0 for each in ways)
    message = ngettext(
        "Printed codes stop working and cannot be put back; {count} customer came by them so far.",
        "Printed codes stop working and cannot be put back; {count} customers came by them so far.",
        count,
    ).format(count=count)
    return Problem("no_undo", message, warning=True)


def new_way(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a way to be made, none of them empty: a QR code, of one member or of several."""
    users, parties = list(fields.get("user", ())), list(fields.get("party", ()))
    kind = SINGLE if len(users) == 1 and not parties else MULTI
    whole = {
        "type": kind, "scene": QR, "skip_verify": True, **fields, "user": users, "party": parties,
    }  # fmt: skip
    return {key: value for key, value in whole.items() if value not in ("", [])}


def each_of(
    ledger: Ledger,
    what: str,
    *,
    state: str,
    remark: str = "",
    only: Sequence[int] = (),
    skip_verify: bool = True,
) -> Request:
    """A way for every shop, or for every guide.

    Those that have one of the same name and state already are left out.

    Args:
        ledger: the profile's ledger.
        what: store | guide.
        state, remark: patterns with {store} (code, else name), {name}, {department}, {userid}; of a
            shop {name} is its name, of a guide the guide's.
        only: shops or regions, by department id; () for all.
        skip_verify: customers are added without a member's consent.

    Raises:
        UsageError: a placeholder that there is not, or a pattern that names all alike.
    """
    request = Request()
    there = {(way.remark, way.state) for way in listed(ledger.db, 0.0, count=False)}
    made: set[tuple[str, str]] = set()
    known = 0
    people = People(ledger.db)
    for values, userid in _subjects(ledger, people, what, only):
        name, text = _filled(remark, values), _filled(state, values)
        if (name, text) in made:
            raise UsageError(
                _("The patterns give two of them the same name and state: {name} {state}").format(
                    name=name, state=text
                ),
                hint=_("Add a placeholder: {names}.").format(
                    names=" ".join(f"{{{each}}}" for each in PLACES)
                ),
            )
        made.add((name, text))
        if (name, text) in there:
            known += 1
            continue
        # a shop's code names its department, so that it follows who comes and goes
        who = {"user": [userid]} if userid else {"party": [values["department"]]}
        request.add.append(
            new_way({**who, "state": text, "remark": name, "skip_verify": skip_verify})
        )
    if what == STORE:
        request.problems += _left_out(ledger, people, only)
    if known:
        message = ngettext(
            "{count} has one already.", "{count} have one already.", known
        ).format(count=known)  # fmt: skip
        request.problems.append(Problem("there", message, warning=True))
    return request


def _subjects(
    ledger: Ledger, people: People, what: str, only: Sequence[int]
) -> Iterable[tuple[dict[str, Any], str]]:
    """(placeholders, userid) of each shop with members, "" its userid, or of each guide."""
    db = ledger.db
    wanted = names_of(ledger.db).below(only)
    shops = {each.department_id: each for each in stores.list_shops(db)}
    by_shop: dict[int, list[Member]] = {}
    for member in members.contacts(db):
        if member.store_id and (not only or member.store_id in wanted):
            by_shop.setdefault(member.store_id, []).append(member)
    for department, staff in sorted(by_shop.items()):
        shop = shops.get(department)
        name = (shop.name if shop else "") or people.departments.get(department, "")
        values = {
            "store": (shop.code if shop else "") or name, "name": name, "department": department,
            "userid": "",
        }  # fmt: skip
        if what == STORE:
            yield values, ""
        else:
            for each in staff:
                yield {**values, "name": each.name, "userid": each.userid}, each.userid


def _left_out(ledger: Ledger, people: People, only: Sequence[int]) -> list[Problem]:
    """Shops of the notebook, or named ones, in which nobody can be added."""
    staffed = {each.store_id for each in members.contacts(ledger.db)}
    names = names_of(ledger.db)
    wanted = names.below(only)
    shops = [each.department_id for each in stores.list_shops(ledger.db)]
    named = [each for each in only if not staffed & names.below([each])]
    empty = dict.fromkeys(
        each for each in (*shops, *named) if each not in staffed and (not only or each in wanted)
    )
    if not empty:
        return []
    shown = [plain(people.store_of(each)) for each in empty]
    more = _(", ").join(shown[:10]) + (" …" if len(shown) > 10 else "")
    message = ngettext(
        "{count} shop without anybody who can be added is left out: {names}.",
        "{count} shops without anybody who can be added are left out: {names}.",
        len(shown),
    ).format(count=len(shown), names=more)
    return [Problem("empty", message, warning=True)]


def _filled(pattern: str, values: Mapping[str, Any]) -> str:
    for name in _PLACEHOLDER.findall(pattern):
        if name not in PLACES:
            raise UsageError(
                _("“{text}” holds a placeholder that there is not.").format(text=pattern),
                hint=_("Known: {names}.").format(names=" ".join(f"{{{each}}}" for each in PLACES)),
            )
    return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), pattern)


def replaced(ledger: Ledger, old: Sequence[str], new: Member | None) -> Request:
    """Another member, or nobody, in the place of some in every way that names them.

    Ways that would be left with nobody are named and left as they are.

    Args:
        ledger: the profile's ledger.
        old: userids of who is named now; may have left, or be unknown to the mirror.
        new: who takes the place; None to take `old` out only.
    """
    request = Request()
    people = People(ledger.db)
    gone = {each.lower() for each in old}
    ways = listed(ledger.db, 0.0, users=old, statuses=(OK, STALE, DEAD), count=False)
    for way in ways:
        users: list[str] = []
        for each in way.user:
            member = people.member(each)
            userid = each
            if (member.userid if member else each).lower() in gone:
                if new is None:
                    continue
                userid = new.userid
            if userid.lower() not in map(str.lower, users):
                users.append(userid)
        if not users and not way.party:
            request.problems.append(
                Problem(
                    "nobody",
                    _("{name} would lead to nobody: name who takes the place with --by.").format(
                        name=way.label
                    ),
                )
            )
        else:
            request.change(way, {"user": users})
    return request
