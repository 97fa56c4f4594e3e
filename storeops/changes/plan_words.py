"""Rows of plans in words: names instead of ids, for tables and screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storeops.changes.plan_cards import words_of
from storeops.changes.row_results import Result
from storeops.database.database import Database
from storeops.i18n import _, aside, labelled
from storeops.mirror.tag_names import TagNames
from storeops.plain import masked
from storeops.terms import term


class Words:
    """Looks up what ids mean; keeps what it looked up.

    Args:
        db: data.db.
        reveal: show phone numbers in full.
    """

    def __init__(self, db: Database, *, reveal: bool = False) -> None:
        self._db = db
        self._reveal = reveal
        self._tags: TagNames | None = None
        self._staff: dict[str, str] = {}
        self._departments: dict[int, str] | None = None

    def of(self, result: Result) -> dict[str, Any]:
        """`name`, `staff_name`, `before_text`, `after_text`, `why` of a row."""
        why = result.meaning or str(result.extra.get("why", ""))
        if why and result.errcode:
            why = aside(why, result.errcode)
        if why and result.next_step:
            why = f"{why} – {result.next_step}"
        return {
            "name": self._customer(result.external_userid) or str(result.extra.get("label", "")),
            "staff_name": self._member(result.userid),
            "before_text": self.text(result.before),
            "after_text": self.text(result.after),
            "why": why,
        }

    def change(self, result: Result) -> list[tuple[str, str]]:
        """What a row changes, in pieces: (text, good for what comes | bad for what goes | "")."""
        before, after = self.shown(result.before), self.shown(result.after)
        pieces: list[tuple[str, str]] = []
        for key in dict.fromkeys((*after, *(each for each in before if each == "tags"))):
            old, new = before.get(key), after.get(key)
            if key == "tags":
                pieces += [(f"+{each}", "good") for each in self._tag_names(new or ())]
                pieces += [(f"−{each}", "bad") for each in self._tag_names(old or ())]
            elif key == "owner":
                pieces.append((f"→ {self._member(str(new))}", "good"))
            else:
                name = term("field", key) if len(after) > 1 else ""
                if old not in ("", None, [], ()):
                    said = words_of(old)
                    pieces += [(labelled(name, said) if name else said, "bad"), ("→", "dim")]
                    name = ""
                said = words_of(new)
                pieces.append((labelled(name, said) if name else said, "good"))
        return pieces

    def _tag_names(self, tag_ids: Sequence[str]) -> list[str]:
        if self._tags is None:
            self._tags = TagNames(self._db)
        return self._tags.show(tag_ids)

    def shown(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """`before` or `after` as it may be shown: departments by name, phone numbers masked unless
        revealed."""
        found = dict(value if self._reveal else masked(value))
        if found.get("party"):
            found["party"] = [self._department(each) for each in found["party"]]
        return found

    def text(self, value: Any) -> str:
        """`before` or `after` of a row in words, phone numbers masked unless revealed."""
        value = self.shown(value)
        if set(value) == {"tags"} and value["tags"]:
            return _(", ").join(self._tag_names(value["tags"]))
        if set(value) == {"owner"} and value["owner"]:
            owner = str(value["owner"])
            name = self._member(owner)
            return owner if name == owner else f"{name} {owner}"
        return words_of(value)

    def _department(self, number: Any) -> str:
        if self._departments is None:
            from storeops.reading.directory import department_names

            self._departments = department_names(self._db)
        return self._departments.get(number) or str(number)

    def _customer(self, external_userid: str) -> str:
        if not external_userid:
            return ""
        row = self._db.execute(
            "SELECT name FROM customer WHERE external_userid = ?", (external_userid,)
        ).fetchone()
        return str(row[0]) if row and row[0] else external_userid

    def _member(self, userid: str) -> str:
        if userid not in self._staff:
            row = self._db.execute("SELECT name FROM staff WHERE userid = ?", (userid,)).fetchone()
            self._staff[userid] = str(row[0]) if row and row[0] else userid
        return self._staff[userid]
