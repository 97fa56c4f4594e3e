"""What a shell may offer while a command is typed: values of the mirror, words of the filter.

Every offer begins with what was typed; nothing here is an error, at worst nothing is offered.
"""

from __future__ import annotations

from collections.abc import Sequence

from storeops.database.database import Database
from storeops.domain import guarded, load, registry
from storeops.i18n import said
from storeops.reading.conditions import condition_of
from storeops.reading.filter import key_of, keys
from storeops.reading.filter_words import CLOSED

MOST = 50
_PART = {  # how each begins with :s, and what is said beside it
    "owner": (
        "SELECT userid AS value, name AS what FROM staff WHERE userid LIKE :s"
        " UNION SELECT name, userid FROM staff WHERE name LIKE :s"
    ),
    "tag": (
        "SELECT t.name AS value, coalesce(g.name, '') AS what FROM tag t"
        " LEFT JOIN tag_group g ON g.id = t.group_id"
        " WHERE t.deleted_at IS NULL AND t.name LIKE :s"
        " UNION SELECT g.name || '/' || t.name, '' FROM tag t JOIN tag_group g ON g.id = t.group_id"
        " WHERE t.deleted_at IS NULL AND g.name || '/' || t.name LIKE :s"
    ),
    "state": (
        "SELECT DISTINCT state AS value, '' AS what FROM follow INDEXED BY follow_by_state"
        " WHERE state <> '' AND state LIKE :s"
    ),
    "plan": (
        "SELECT name AS value, title AS what FROM (SELECT name, title FROM plan"
        " WHERE name LIKE :s ORDER BY id DESC LIMIT 50)"  # the newest
    ),
    "plan_made": (
        "SELECT name AS value, title AS what FROM (SELECT name, title FROM plan"
        " WHERE status = 'planned' AND name LIKE :s ORDER BY id DESC LIMIT 50)"
    ),
    "leaver": (
        "SELECT userid AS value, name AS what FROM staff WHERE status = 'left' AND userid LIKE :s"
        " UNION SELECT name, userid FROM staff WHERE status = 'left' AND name LIKE :s"
    ),
    "tag_group": (
        "SELECT name AS value, '' AS what FROM tag_group WHERE deleted_at IS NULL AND name LIKE :s"
    ),
    "group": ("SELECT name AS value, chat_id AS what FROM group_chat WHERE name LIKE :s"),
}
_ENDS = " ()!|,"  # after these a new condition or value begins
_PERIODS = ("today", "yesterday", "week", "last-week", "month", "last-month", "7d", "30d", "90d")


def values(db: Database, key: str, start: str) -> Sequence[tuple[str, str]]:
    """Values that begin with `start`: (value, what it is), at most 50.

    Args:
        db: data.db.
        key: owner, leaver, tag, tag_group, state, group, plan, plan_made, or one that a domain
            brings.
        start: what was typed so far.
    """
    if key not in _PART:
        domain, where = registry().named("completion")[key]
        found: list[tuple[str, str]] = []
        with guarded(domain):
            found += load(where)(db, start)
        return found[:MOST]
    return most(db, _PART[key], start)


def like(start: str) -> str:
    """The pattern of LIKE for what begins so; its ESCAPE is a backslash."""
    return start.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def most(db: Database, sql: str, start: str) -> Sequence[tuple[str, str]]:
    """The first values, in their order, that a statement finds.

    Args:
        db: data.db.
        sql: a SELECT of `value` and `what` (text), comparing what is offered with `LIKE :s`.
        start: what was typed so far.
    """
    sql = sql.replace("LIKE :s", "LIKE :s ESCAPE '\\'")
    rows = db.execute(
        f"SELECT value, min(what) FROM ({sql}) GROUP BY value ORDER BY value LIMIT {MOST}",
        {"s": like(start)},
    )
    return [(str(value), said(str(what))) for value, what in rows]


def filters(db: Database, start: str) -> list[tuple[str, str]]:
    """Ways to go on with a filter: (the whole filter, what the last piece is), at most 50.

    Args:
        db: data.db.
        start: the filter as typed so far, such as `王 #金` or `!store:`.
    """
    at = _last_piece(start)
    before, piece = start[:at], start[at:]
    sign, key, typed = "", "", piece
    if piece[:1] in "@#" and piece:
        sign, key, typed = piece[0], {"@": "owner", "#": "tag"}[piece[0]], piece[1:]
    elif ":" in piece:
        name, _colon, typed = piece.partition(":")
        sign, key = f"{name}:", key_of(name) or ""
    if not sign:
        words = [f"{each}:" for each in keys()]
        return [(before + each, "") for each in words if each.startswith(typed.lower())]
    comma = typed.rfind(",") + 1
    before, typed = before + sign + typed[:comma], typed[comma:]
    quoted = typed.removeprefix('"')
    found = [
        (before + _quoted(value, always=quoted != typed), what)
        for value, what in _of_key(db, key, quoted)
    ]
    return [each for each in found if each[0].startswith(start)]


def _of_key(db: Database, key: str, start: str) -> Sequence[tuple[str, str]]:
    if key in CLOSED:
        terms = CLOSED[key]
        return [(term.slug, term.label) for term in terms if term.slug.startswith(start.lower())]
    if (own := condition_of(key)) is not None:
        more = own.examples
        if key not in registry().named("completion"):
            return [(each, "") for each in more if each.startswith(start)]
    if key in ("since", "until"):
        return [(each, "") for each in _PERIODS if each.startswith(start)]
    known = key in _PART or key in registry().named("completion")
    return values(db, key, start) if known else ()


def _quoted(value: str, *, always: bool) -> str:
    if always or any(each.isspace() or each in '"()|,，' for each in value):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value


def _last_piece(text: str) -> int:
    """Where the last condition begins; what stands between quotes is one piece."""
    start, inside = 0, False
    for at, ch in enumerate(text):
        if ch == '"':
            inside = not inside
        elif not inside and ch in _ENDS and ch != ",":
            start = at + 1
    return start
