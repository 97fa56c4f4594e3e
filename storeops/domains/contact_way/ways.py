"""Contact ways as people see them: names, shops, who can still be added, who came by them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from storeops.database.database import Database
from storeops.domains.contact_way.facts import values_of
from storeops.errors import NotFoundError, StoreOpsError, UsageError
from storeops.i18n import N_, _
from storeops.mirror import members
from storeops.mirror.members import Member
from storeops.notebook import stores
from storeops.plain import plain
from storeops.reading import directory
from storeops.spelling import did_you_mean, like

OK, STALE, DEAD, GONE = STATUSES = ("ok", "stale", "dead", "gone")
WORDS = {
    OK: N_("in order"),
    STALE: N_("names who cannot be added"),
    DEAD: N_("nobody can be added"),
    GONE: N_("deleted"),
}
TYPES = {1: N_("one member"), 2: N_("several members")}
SCENES = {1: N_("button"), 2: N_("QR code")}
_COLUMNS = (
    "config_id, type, scene, style, remark, state, skip_verify, is_exclusive, qr_code, user, party,"
    " first_seen_at, read_at, gone_at"
)


@dataclass(frozen=True, slots=True)
class Way:
    """One contact way.

    Attributes:
        config_id, type, scene, style, remark, state, skip_verify, is_exclusive, qr_code, user,
            party: WeCom's own.
        status: ok, stale (a named member cannot be added any more), dead (nobody can be), gone.
        names: of its members and departments, as people know them.
        stores: codes or names of the shops whose members or departments it names.
        unfit: userids that it names and that cannot be added: who left, lost customer contact or
            is unknown.
        reach: members who can be added, those of departments included.
        customers: people who came by its state and are followed, or wait for an owner.
        first_seen_at, read_at, gone_at: Unix seconds.
    """

    config_id: str
    remark: str
    state: str
    type: int
    scene: int
    style: int
    skip_verify: bool
    is_exclusive: bool
    user: tuple[str, ...]
    party: tuple[int, ...]
    qr_code: str
    status: str
    names: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()
    reach: int = 0
    customers: int | None = None
    first_seen_at: int = 0
    read_at: int = 0
    gone_at: int | None = None

    @property
    def label(self) -> str:
        """What people call it: its name, else its state, else its id."""
        return plain(self.remark or self.state or self.config_id)

    @property
    def fields(self) -> dict[str, Any]:
        """What a plan may have asked for, JSON types."""
        return {
            "type": self.type, "scene": self.scene, "remark": self.remark, "state": self.state,
            "user": list(self.user), "party": list(self.party), "skip_verify": self.skip_verify,
            "is_exclusive": self.is_exclusive,
        }  # fmt: skip


class People:
    """Members and departments of the mirror, for any number of ways.

    Args:
        db: data.db.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._fit: dict[str, Member | None] = {}

    def know(self, userids: Iterable[str]) -> None:
        """Look members up, many at once."""
        new = {each.lower() for each in userids} - self._fit.keys()
        found = members.by_userids(self._db, new)
        self._fit.update({each: found.get(each) for each in new})

    def member(self, userid: str) -> Member | None:
        """The member, also by a former userid; None unknown."""
        if userid.lower() not in self._fit:
            self.know([userid])
        return self._fit[userid.lower()]

    def fit(self, userid: str) -> bool:
        """Whether customers can add the member, as far as the mirror knows."""
        found = self.member(userid)
        return found is not None and found.status == "active" and found.is_follow_user

    @cached_property
    def departments(self) -> dict[int, str]:
        """Names of departments."""
        return directory.department_names(self._db)

    @cached_property
    def shops(self) -> dict[int, str]:
        """Department → the shop's code, else its name."""
        return {each.department_id: each.code or each.name for each in stores.list_shops(self._db)}

    @cached_property
    def _below(self) -> dict[int, set[str]]:
        return members.contacts_below(self._db)

    def reached(self, users: Iterable[str], parties: Iterable[int]) -> set[str]:
        """Userids, lower case, of who can be added by a way that names these."""
        found = {member.userid.lower() for each in users if self.fit(each)
                 and (member := self.member(each))}  # fmt: skip
        for party in parties:
            found |= self._below.get(party, set())
        return found

    def store_of(self, department: int) -> str:
        """What people call a shop: its code, else its name."""
        return self.shops.get(department) or self.departments.get(department, str(department))


def listed(
    db: Database,
    now: float,
    *,
    state: str = "",
    users: Sequence[str] = (),
    stores: Sequence[int] = (),
    statuses: Sequence[str] = (),
    count: bool = True,
) -> list[Way]:
    """Contact ways, by name; deleted ones only where `statuses` names them.

    Args:
        db: data.db.
        now: WeCom's time, Unix seconds.
        state: of this state; * and ? stand for letters.
        users: that name one of these members, by userid.
        stores: that name members of one of these departments, or such a department itself.
        statuses: only these; () for all but deleted ones.
        count: count customers, too.
    """
    people = People(db)
    wanted = statuses or (OK, STALE, DEAD)
    lower = {each.lower() for each in users}
    rows = db.rows(
        f"SELECT {_COLUMNS} FROM contact_way WHERE gone_at IS NULL OR ? ORDER BY remark, state, id",
        (int(GONE in wanted),),
    )
    values = [(row, values_of(row)) for row in rows]
    people.know(each for _row, value in values for each in value["user"])
    counts = _customers(db, now) if count and values else {}
    found = [_way(people, row, value, counts if count else None) for row, value in values]
    return [
        each
        for each in found
        if each.status in wanted
        and (not state or like(each.state, state))
        and (not lower or lower & _current(people, each.user))
        and (not stores or not set(stores).isdisjoint(_stores(people, each.user, each.party)))
    ]


def _current(people: People, users: Iterable[str]) -> set[str]:
    """Userids as they are now, lower case."""
    return {(m.userid if (m := people.member(each)) else each).lower() for each in users}


def _stores(people: People, users: Iterable[str], parties: Iterable[int]) -> list[int]:
    found = [m.store_id for each in users if (m := people.member(each)) and m.store_id]
    return list(dict.fromkeys([*parties, *found]))


def _customers(db: Database, now: float) -> dict[str, int]:
    """state → people who came by it; kept until facts change."""
    from storeops.reading.query import CustomerQuery

    counted = CustomerQuery(db, now=now).facet("state", limit=1_000_000)
    return {str(each.value): each.rows for each in counted}


def _way(
    people: People,
    row: Mapping[str, Any],
    value: Mapping[str, Any],
    counts: Mapping[str, int] | None,
) -> Way:
    unfit = tuple(each for each in value["user"] if not people.fit(each))
    reach = len(people.reached(value["user"], value["party"]))
    status = OK if not unfit and reach else STALE if reach else DEAD
    known = [people.member(each) for each in value["user"]]
    names = [
        (member.name if member else "") or userid
        for userid, member in zip(value["user"], known, strict=True)
    ]
    own: dict[str, Any] = {
        key: tuple(each) if isinstance(each, list) else each for key, each in value.items()
    }
    return Way(
        **own,
        config_id=row["config_id"],
        status=GONE if row["gone_at"] else status,
        names=(*names, *(people.departments.get(each, str(each)) for each in value["party"])),
        stores=tuple(map(people.store_of, _stores(people, value["user"], value["party"]))),
        unfit=unfit,
        reach=reach,
        customers=None if counts is None or not value["state"] else counts.get(value["state"], 0),
        first_seen_at=row["first_seen_at"],
        read_at=row["read_at"],
        gone_at=row["gone_at"],
    )


def find(db: Database, text: str, now: float, *, count: bool = False) -> Way:
    """The one contact way that a text means: config_id, the beginning of one, name or state.

    Raises:
        NotFoundError: there is none.
        UsageError: several are called so.
    """
    every = listed(db, now, statuses=STATUSES, count=count)
    wanted = text.strip()
    ways_to_mean: tuple[Callable[[Way], bool], ...] = (
        lambda way: way.config_id == wanted,
        lambda way: way.status != GONE and wanted in (way.remark, way.state),
        lambda way: len(wanted) >= 6 and way.config_id.startswith(wanted),
        lambda way: wanted in (way.remark, way.state),
    )
    for fits in ways_to_mean:
        found = [each for each in every if wanted and fits(each)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(
                _("Several contact ways are called {name}: {ids}.").format(
                    name=plain(wanted), ids=_(", ").join(each.config_id for each in found[:5])
                ),
                hint=_("Write the config_id: `storeops contact-way list` shows it."),
            )
    raise NotFoundError(
        _("There is no contact way “{name}”.").format(name=plain(wanted)),
        hint=did_you_mean(
            wanted,
            sorted({each for way in every for each in (way.remark, way.state) if each}),
            _("`storeops contact-way list` names all; `storeops sync run` if it is new."),
        ),
    )


def named_userid(db: Database, text: str) -> str:
    """The userid that a text means, also one that only contact ways know any more.

    Raises:
        NotFoundError: neither the mirror nor a contact way knows it.
        UsageError: several members are meant.
    """
    found = members.Members(db.connection).try_find(text)
    if not isinstance(found, StoreOpsError):
        return found.userid
    named = db.execute(
        "SELECT u.value FROM contact_way AS w, json_each(w.user) AS u"
        " WHERE w.gone_at IS NULL AND lower(u.value) = ? LIMIT 1",
        (text.strip().lower(),),
    ).fetchone()
    if named is None or not isinstance(found, NotFoundError):
        raise found
    return str(named[0])


def ways_out(ways: Iterable[Way]) -> list[str]:
    """The commands that mend these: one takes out who cannot be added any more and others can be.

    Where nobody is left somebody must take the place: who that is differs from code to code, so
    that each gets a command of its own, or those together that name the same.
    """
    alone: dict[str, None] = {}
    stale: dict[str, str] = {}
    for way in ways:
        words = ["storeops", "contact-way", "plan"]
        if way.status == DEAD and way.unfit and not way.party:
            alone[shlex.join([*words, "replace", *sorted(way.unfit)]) + " --by STAFF"] = None
        elif way.status == DEAD:
            alone[shlex.join([*words, "update", way.config_id]) + " --user STAFF"] = None
        elif way.status == STALE:
            stale |= {each.lower(): each for each in way.unfit}
    words = ["storeops", "contact-way", "plan", "replace", *stale.values()]
    return ([shlex.join(words)] if stale else []) + list(alone)


def called(db: Database, state: str) -> frozenset[str]:
    """Names and config_ids, casefolded, of the ways by which customers come with a state."""
    if not state:
        return frozenset()
    rows = db.execute("SELECT config_id, remark FROM contact_way WHERE state = ?", (state,))
    return frozenset(each.casefold() for row in rows for each in row if each)


def names(db: Database, *, with_state: bool = True) -> frozenset[str]:
    """Names and config_ids, casefolded, of all ways that have a state (or have none)."""
    rows = db.execute(
        "SELECT config_id, remark FROM contact_way WHERE (state <> '') = ?", (with_state,)
    )
    return frozenset(each.casefold() for row in rows for each in row if each)


def sharing(db: Database, way: Way) -> tuple[str, ...]:
    """config_ids of other living ways of the same state: who came by them cannot be told apart."""
    if not way.state:
        return ()
    found = db.execute(
        "SELECT config_id FROM contact_way WHERE state = ? AND config_id <> ? AND gone_at IS NULL",
        (way.state, way.config_id),
    )
    return tuple(row[0] for row in found)
