"""Members as givers and takers: found by id or name, their conditions, their load."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from storeops.database.database import Database
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _
from storeops.plain import plain

CHUNK = 500
NOT_ACTIVATED, DISABLED = 4, 2  # staff.wecom_status
_COLUMNS = "id, userid, name, status, wecom_status, is_follow_user, main_department, left_at"


@dataclass(frozen=True, slots=True)
class Member:
    """One staff member as the mirror knows them; `left_at` in Unix seconds."""

    id: int
    userid: str
    name: str
    status: str  # active | left | out_of_scope | missing
    wecom_status: int
    is_follow_user: bool
    store_id: int
    left_at: int | None

    @property
    def left(self) -> bool:
        """Whether the member has left the corp."""
        return self.status == "left"

    @property
    def label(self) -> str:
        """Name and userid on one safe line."""
        return f"{plain(self.name)} ({self.userid})" if self.name else self.userid


def _from_record(record: Sequence[object]) -> Member:
    fields = list(record)
    fields[5] = bool(fields[5])
    return Member(*fields)  # type: ignore[arg-type]  # columns in order


def by_userids(db: Database, userids: Iterable[str]) -> dict[str, Member]:
    """Known members by lower-cased userid; unknown ones are left out."""
    wanted = list(dict.fromkeys(userids))
    found: dict[str, Member] = {}
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        marks = ",".join("?" * len(part))
        for record in db.execute(f"SELECT {_COLUMNS} FROM staff WHERE userid IN ({marks})", part):
            member = _from_record(record)
            found[member.userid.lower()] = member
    return found


def find(db: Database, text: str) -> Member:
    """A member by userid, or by a name that only one has.

    Raises:
        NotFoundError: nobody; names the nearest.
        UsageError: several have that name.
    """
    wanted = text.strip().lstrip("@＠")
    record = db.execute(f"SELECT {_COLUMNS} FROM staff WHERE userid = ?", (wanted,)).fetchone()
    if record is not None:
        return _from_record(record)
    named = db.execute(
        f"SELECT {_COLUMNS} FROM staff WHERE name = ? ORDER BY userid LIMIT 10", (wanted,)
    ).fetchall()
    if len(named) == 1:
        return _from_record(named[0])
    if named:
        raise UsageError(
            _("Several members are called {name}: {userids}.").format(
                name=wanted, userids=", ".join(str(each[1]) for each in named)
            ),
            hint=_("Write the userid."),
        )
    everybody = [each[0] for each in db.execute("SELECT userid FROM staff")]
    near = get_close_matches(wanted, everybody, 3)
    raise NotFoundError(
        _("The mirror knows no member {member}.").format(member=wanted),
        hint=_("Did you mean {names}?").format(names=", ".join(near))
        if near
        else _("Run `storeops sync run` if the member is new."),
    )


def colleagues(db: Database, store_id: int, without: Iterable[str] = ()) -> list[Member]:
    """Active members of a shop who have customer contact, by userid."""
    if not store_id:
        return []
    barred = {each.lower() for each in without}
    found = db.execute(
        f"SELECT {_COLUMNS} FROM staff WHERE main_department = ? AND status = 'active'"
        " AND is_follow_user = 1 ORDER BY userid",
        (store_id,),
    )
    return [each for each in map(_from_record, found) if each.userid.lower() not in barred]


def loads(db: Database, members: Iterable[Member]) -> dict[int, int]:
    """Customers each member has now, and those on their way to them, by staff.id."""
    counts: dict[int, int] = {}
    for member in members:
        if member.id in counts:
            continue
        held = db.execute(
            "SELECT count(*) FROM follow WHERE staff_id = ? AND status = 'active'", (member.id,)
        ).fetchone()[0]
        coming = db.execute(
            "SELECT count(*) FROM handover WHERE takeover_userid = ? AND what = 'customer'"
            " AND status = 'waiting' AND friend = 0",
            (member.userid,),
        ).fetchone()[0]
        counts[member.id] = held + coming
    return counts


def store_name(db: Database, store_id: int) -> str:
    """Name of a shop's department; "" when unknown."""
    record = db.execute("SELECT name FROM department WHERE id = ?", (store_id,)).fetchone()
    return str(record[0]) if record else ""
