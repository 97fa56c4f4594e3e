"""What WeCom said of contact ways, written down; only differences are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from storeops.mirror import meta
from storeops.mirror.facts import Counts

if TYPE_CHECKING:
    from storeops.wecom.contact_ways import ContactWay

# what a person may ask for when a way is made; all but the first two can be changed later
ASKED = ("type", "scene", "remark", "state", "user", "party", "skip_verify", "is_exclusive")
_TOLD = (*ASKED, "style", "qr_code")
_LISTS = ("user", "party")
_FLAGS = ("skip_verify", "is_exclusive")


def values_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of the table as JSON types: lists are lists, flags flags."""
    found = {key: row[key] for key in _TOLD if key in row}
    found |= {key: json.loads(found[key]) for key in _LISTS if key in found}
    return found | {key: bool(found[key]) for key in _FLAGS if key in found}


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: json.dumps(list(value), ensure_ascii=False) if key in _LISTS
        else int(value) if key in _FLAGS else value
        for key, value in values.items()
    }  # fmt: skip


def read(connection: sqlite3.Connection, way: ContactWay, now: int, began: int) -> Counts:
    """Write what WeCom says of a way; what could not be read stays as it was.

    Args:
        connection: inside a transaction.
        way: as the client read it.
        now: WeCom's time, Unix seconds.
        began: when it was asked for; what a job wrote since, or in the same second, is newer and
            stays: the next reading asks again.
    """
    newer = connection.execute(
        "SELECT 1 FROM contact_way WHERE config_id = ? AND written_at >= ? AND written_at > 0",
        (way.config_id, began),
    ).fetchone()
    if newer:
        return Counts(seen=1)
    values = {key: getattr(way, key) for key in _TOLD if key not in way.unread}
    return _keep(connection, way.config_id, values, {"read_at": now}, now)


def write(
    connection: sqlite3.Connection,
    config_id: str,
    values: Mapping[str, Any],
    now: int,
    mark: str = "",
) -> Counts:
    """Write what a job made of a way; it is there now, but was not read: a sync does that.

    Args:
        connection: inside a transaction.
        config_id: of the way.
        values: some of its fields; the others stay.
        now: WeCom's time, Unix seconds.
        mark: of the row of a plan that made it; "" keeps it.
    """
    marked = {"mark": mark} if mark else {}
    return _keep(connection, config_id, values, {"read_at": 0, "written_at": now, **marked}, now)


def _keep(
    connection: sqlite3.Connection,
    config_id: str,
    values: Mapping[str, Any],
    about: Mapping[str, Any],
    now: int,
) -> Counts:
    """Write values of a way, and `about` their writing; only other values count as a change."""
    stored = _stored(values)
    before = connection.execute(
        f"SELECT {', '.join((*stored, 'gone_at'))} FROM contact_way WHERE config_id = ?",
        (config_id,),
    ).fetchone()
    same = before is not None and tuple(before) == (*stored.values(), None)
    columns = {**stored, "gone_at": None, **about}
    names = ", ".join(columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
    connection.execute(
        f"INSERT INTO contact_way (config_id, first_seen_at, {names})"
        f" VALUES (?, ?, {', '.join('?' * len(columns))})"
        f" ON CONFLICT (config_id) DO UPDATE SET {changes}",
        (config_id, now, *columns.values()),
    )
    if same:
        return Counts(seen=1)
    meta.bump_revision(connection)  # conditions and facets that name ways count anew
    return Counts(seen=1, added=int(before is None), changed=int(before is not None))


def gone(connection: sqlite3.Connection, config_id: str, now: int) -> Counts:
    """WeCom says that there is no such way any more; its name and state stay known.

    An answer that was asked for before is older and does not bring it back.
    """
    done = connection.execute(
        "UPDATE contact_way SET gone_at = ?, read_at = ?, written_at = ?"
        " WHERE config_id = ? AND gone_at IS NULL",
        (now, now, now, config_id),
    )
    if done.rowcount:
        meta.bump_revision(connection)
    return Counts(lost=done.rowcount)
