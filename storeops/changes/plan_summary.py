"""What a plan comes to: which changes, to how many customers, of whom; from its stored rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storeops.changes.action import BLOCKED
from storeops.database.database import Database
from storeops.mirror.members import by_userids
from storeops.mirror.tag_names import TagNames
from storeops.plain import mask_phones

ADD, REMOVE, MOVE, WRITE, CLEAR = "add", "remove", "move", "write", "clear"
_KINDS = 5_000  # different changes looked at; a plan of more is one of single requests


@dataclass(frozen=True, slots=True)
class Effect:
    """One change that rows of a plan have in common.

    Attributes:
        way: ADD or REMOVE (a tag), MOVE (to an owner), WRITE or CLEAR (a field).
        name: the tag as `group/name`, the new owner's name, the name of the field.
        text: what is written, "" when rows differ or the way writes nothing.
        rows: how many rows.
    """

    way: str
    name: str
    text: str
    rows: int


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """What the rows of a plan that are not blocked come to.

    Attributes:
        effects: most rows first.
        customers: customers, each once; 0 when the plan is not about customers.
        members: (name, rows) of those whose customers they are, most first, at most `named`.
        more_members: how many others there are.
    """

    effects: tuple[Effect, ...]
    customers: int
    members: tuple[tuple[str, int], ...]
    more_members: int


def summary(db: Database, plan_id: int, *, named: int = 3) -> PlanSummary:
    """Read it from the rows; some milliseconds per 10,000 of them.

    Args:
        db: data.db.
        plan_id: plan.id.
        named: members to name.
    """
    effects = _effects(db, plan_id)
    customers = db.execute(
        "SELECT count(DISTINCT external_userid) FROM plan_row"
        " WHERE plan_id = ? AND status <> ? AND external_userid <> ''",
        (plan_id, BLOCKED),
    ).fetchone()[0]
    members = db.execute(
        "SELECT userid, count(*) FROM plan_row WHERE plan_id = ? AND status <> ? AND userid <> ''"
        " GROUP BY userid ORDER BY count(*) DESC, userid",
        (plan_id, BLOCKED),
    ).fetchall()
    names = _names(db, [userid for userid, _rows in members[:named]])
    shown = tuple((names[userid], rows) for userid, rows in members[:named])
    return PlanSummary(effects, int(customers), shown, max(0, len(members) - named))


def _names(db: Database, userids: Sequence[str]) -> dict[str, str]:
    """userid → name, the userid of one whom nobody knows."""
    known = by_userids(db, userids)
    found = {userid: known.get(userid.lower()) for userid in userids}
    return {userid: (each.name if each else "") or userid for userid, each in found.items()}


def title(found: PlanSummary, most: int = 3) -> str:
    """The changes in signs, the same in every language: `+Level/Gold −Level/Silver`, `→ 王芳`."""
    signs = {ADD: "+", REMOVE: "−", MOVE: "→ ", WRITE: "", CLEAR: ""}
    said = [
        signs[each.way] + (each.name if each.way in (ADD, REMOVE, MOVE) else f"“{each.text}”")
        for each in found.effects
        if each.text or each.way in (ADD, REMOVE, MOVE)
    ]
    return " ".join(said[:most]) + (" …" if len(said) > most else "")


def _effects(db: Database, plan_id: int) -> tuple[Effect, ...]:
    rows: Counter[tuple[str, str]] = Counter()
    texts: dict[tuple[str, str], set[str]] = {}
    for before, after, count in db.execute(
        "SELECT before, after, count(*) FROM plan_row WHERE plan_id = ? AND status <> ?"
        " GROUP BY before, after ORDER BY count(*) DESC LIMIT ?",
        (plan_id, BLOCKED, _KINDS),
    ):
        old, new = _decoded(before), _decoded(after)
        for key in dict.fromkeys((*new, *(each for each in old if each == "tags"))):
            for way, name, text in _of_field(key, old.get(key), new.get(key)):
                rows[way, name] += count
                texts.setdefault((way, name), set()).add(text)
    tags, staff = TagNames(db), _names(db, [name for way, name in rows if way == MOVE])
    found = []
    for (way, name), count in rows.most_common():
        said = texts[way, name]
        title = name
        if way in (ADD, REMOVE):
            title = tags.show([name])[0]
        elif way == MOVE:
            title = staff[name]
        found.append(Effect(way, title, said.pop() if len(said) == 1 else "", count))
    return tuple(found)


def _decoded(text: str | None) -> Mapping[str, Any]:
    return json.loads(text) if text else {}


def _of_field(key: str, old: Any, new: Any) -> list[tuple[str, str, str]]:
    """(way, tag, userid or field, text) of one field of a row."""
    if key == "tags":
        return [
            *((ADD, each, "") for each in new or ()),
            *((REMOVE, each, "") for each in old or ()),
        ]
    if key == "owner":
        return [(MOVE, str(new), "")] if new else []
    if new in ("", None, []):
        return [(CLEAR, key, "")] if old not in ("", None, []) else []
    return [(WRITE, key, mask_phones(new) if isinstance(new, str) else "")]
