"""The one finder of a member: by userid, or by a name that only one has.

Names that a person cannot tell apart (case, width, compatibility forms, invisible marks, blanks)
are one name. Somebody who has left counts like everybody else: customers moved to the wrong one
of two are worse than a question.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.errors import NotFoundError, StoreOpsError, UsageError
from storeops.i18n import N_, _, aside
from storeops.mirror.keys import CHUNK, marks, padded
from storeops.plain import alike, plain
from storeops.spelling import did_you_mean

BY_ID = "userid:"  # before a word: a userid, never a name
_NAMED = 10  # members that an error names
_COLUMNS = "id, userid, name, status, wecom_status, is_follow_user, main_department, left_at"
_STATUS = {
    "left": N_("left"),
    "out_of_scope": N_("out of scope"),
    "missing": N_("missing"),
}


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
        return aside(plain(self.name), self.userid) if self.name else self.userid


def _from_record(record: Sequence[object]) -> Member:
    fields = list(record)
    fields[5] = bool(fields[5])
    return Member(*fields)  # type: ignore[arg-type]  # columns in order


class Members:
    """Everybody ever seen, for any number of look-ups; names are read when first needed.

    Args:
        connection: reads the mirror, in the thread that uses this object.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._by_name: dict[str, list[tuple[int, str, str]]] | None = None
        self._found: dict[str, Member | StoreOpsError] = {}

    @property
    def by_name(self) -> dict[str, list[tuple[int, str, str]]]:
        """`alike(name)` → (staff.id, userid, name) of those who have it."""
        if self._by_name is None:
            self._by_name = {}
            for row in self._connection.execute("SELECT id, userid, name FROM staff ORDER BY id"):
                if row[2]:
                    self._by_name.setdefault(alike(row[2]), []).append(row)
        return self._by_name

    def find(self, text: str) -> Member:
        """The member that `text` means: a userid, or a name that only one has.

        Args:
            text: as a person wrote it, perhaps with `@`; `userid:…` is never read as a name.

        Raises:
            NotFoundError: nobody; names the nearest.
            UsageError: several members are meant; names their userids.
        """
        found = self.try_find(text)
        if isinstance(found, StoreOpsError):
            raise found
        return found

    def try_find(self, text: str) -> Member | StoreOpsError:
        """The member, or the error that `find` would raise."""
        known = self._found.get(text)
        if known is None:
            known = self._found[text] = self._find(text)
        return known

    def is_shared(self, text: str) -> bool:
        """Whether several members are meant, so that none is for certain."""
        return isinstance(self.try_find(text), UsageError)

    def word(self, userid: str) -> str:
        """How to write a userid so that `find` and filters can only mean this one."""
        others = [each for each in self.by_name.get(alike(userid), ()) if each[1] != userid]
        return BY_ID + userid if others else userid

    def _find(self, text: str) -> Member | StoreOpsError:
        wanted = text.strip().lstrip("@＠").strip()
        only_id = wanted[: len(BY_ID)].lower() == BY_ID
        if only_id:
            wanted = wanted[len(BY_ID) :].strip()
        same = self._of("userid = ?", wanted) or self._of(
            "id = (SELECT staff_id FROM staff_former WHERE userid = ?)", wanted
        )
        if same and only_id:
            return same[0]
        named = [] if only_id else self._called(wanted)
        everybody = {each.id: each for each in (*same, *named)}
        if len(everybody) == 1:
            return next(iter(everybody.values()))
        if not everybody:
            return self._nobody(wanted)
        shown = _(", ").join(map(_shown, list(everybody.values())[:_NAMED]))
        if same:
            return UsageError(
                _("{text} is the userid of one member and the name of another: {members}.").format(
                    text=plain(wanted), members=shown
                ),
                hint=_("Write {word} for the first, the userid for another.").format(
                    word=BY_ID + same[0].userid
                ),
            )
        return UsageError(
            _("Several members are called {name}: {members}.").format(
                name=plain(wanted), members=shown
            ),
            hint=_("Write the userid."),
        )

    def _called(self, name: str) -> list[Member]:
        """Everybody of that name, those who are there first."""
        wanted = alike(name)
        if not wanted:
            return []
        if wanted.isascii() and self._by_name is None:
            # a userid, mostly: names with a Chinese character cannot be like it
            keys = [
                row[0]
                for row in self._connection.execute(
                    "SELECT id, name FROM staff WHERE name <> '' AND name NOT GLOB '*[一-鿿]*'"
                )
                if alike(row[1]) == wanted
            ]
        else:
            keys = [row[0] for row in self.by_name.get(wanted, ())]
        found = [member for key in keys for member in self._of("id = ?", key)]
        return sorted(found, key=lambda each: (each.status != "active", each.userid.lower()))

    def _of(self, condition: str, value: object) -> list[Member]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM staff WHERE {condition}", (value,))
        return [_from_record(row) for row in rows]

    def _nobody(self, wanted: str) -> NotFoundError:
        words = {each[0] for each in self._connection.execute("SELECT userid FROM staff")}
        words.update(name for rows in self.by_name.values() for _id, _userid, name in rows)
        return NotFoundError(
            _("No member is called {name}.").format(name=plain(wanted)),
            hint=did_you_mean(
                wanted,
                sorted(words),
                _("`storeops staff list` names all; `storeops sync run` if the member is new."),
                most=3,
            ),
        )


def _shown(member: Member) -> str:
    word = _STATUS.get(member.status)
    return aside(member.userid, _(word)) if word else member.userid


def find(db: Database, text: str) -> Member:
    """One member by userid or name; see `Members.find`."""
    return Members(db.connection).find(text)


def word_of(db: Database, userid: str) -> str:
    """How to write a userid; see `Members.word`."""
    return Members(db.connection).word(userid)


def by_userids(db: Database, userids: Iterable[str]) -> dict[str, Member]:
    """Known members by lower-cased userid as given, also a former one; others are left out."""
    columns = ", ".join(f"s.{each}" for each in _COLUMNS.split(", "))
    sql = (
        f"SELECT i.userid, {columns} FROM staff_by_userid AS i JOIN staff AS s ON s.id = i.staff_id"
        f" WHERE i.userid IN ({marks(CHUNK)})"
    )
    return {
        record[0].lower(): _from_record(record[1:])
        for piece in padded(list(dict.fromkeys(userids)))
        for record in db.execute(sql, piece)
    }


def current_userids(db: Database, userids: Iterable[str]) -> dict[str, str]:
    """Former userids among these → what WeCom calls the members now; by lower case."""
    if db.execute("SELECT 1 FROM staff_former LIMIT 1").fetchone() is None:
        return {}
    sql = (
        "SELECT f.userid, s.userid FROM staff_former AS f JOIN staff AS s ON s.id = f.staff_id"
        f" WHERE f.userid IN ({marks(CHUNK)})"
    )
    return {
        old.lower(): new
        for piece in padded(list(dict.fromkeys(userids)))
        for old, new in db.execute(sql, piece)
    }


def contacts(db: Database) -> list[Member]:
    """Active members who have customer contact, by shop and userid."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM staff WHERE status = 'active' AND is_follow_user = 1"
        " ORDER BY main_department, userid"
    )
    return [_from_record(row) for row in found]


def contacts_below(db: Database) -> dict[int, set[str]]:
    """Department → userids, lower case, of such members in it and in departments below it."""
    parents = dict(db.execute("SELECT id, parentid FROM department").fetchall())
    found: dict[int, set[str]] = {}
    for userid, own in db.execute(
        "SELECT userid, departments FROM staff WHERE status = 'active' AND is_follow_user = 1"
    ):
        seen: set[int] = set()
        for node in json.loads(own):
            while node and node not in seen:
                seen.add(node)
                found.setdefault(node, set()).add(userid.lower())
                node = parents.get(node, 0)
    return found


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
