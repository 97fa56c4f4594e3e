"""Writes the library of corp tags: groups and tags, renamed and deleted ones too."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from storeops.mirror.digest import digest
from storeops.mirror.kept import kept
from storeops.mirror.people import Counts
from storeops.mirror.timeline import Recorder

if TYPE_CHECKING:
    from storeops.wecom.tags import CorpTag, CorpTagGroup


def write_tag_groups(
    connection: sqlite3.Connection, groups: Iterable[CorpTagGroup], record: Recorder
) -> Counts:
    """Bring groups and tags to what was read; deleted ones are found by `absent_tags`."""
    counts = Counts()
    for group in groups:
        values: tuple[Any, ...] = (group.group_name, group.order, group.create_time)
        new = digest(*values)
        known = connection.execute(
            "SELECT id, digest, deleted_at FROM tag_group WHERE group_id = ?", (group.group_id,)
        ).fetchone()
        if known is not None and group.unread:
            stored = connection.execute(
                "SELECT name, ord, create_time FROM tag_group WHERE id = ?", (known[0],)
            ).fetchone()
            values = kept(("group_name", "order", "create_time"), values, stored, group.unread)
            new = digest(*values)
        if known is None:
            cursor = connection.execute(
                "INSERT INTO tag_group (group_id, name, ord, create_time, digest)"
                " VALUES (?, ?, ?, ?, ?)",
                (group.group_id, *values, new),
            )
            assert cursor.lastrowid is not None
            key = cursor.lastrowid
            record.changed = True
        else:
            key = known[0]
            if known[1:] != (new, None):
                connection.execute(
                    "UPDATE tag_group SET name = ?, ord = ?, create_time = ?, digest = ?,"
                    " deleted_at = NULL WHERE id = ?",
                    (*values, new, key),
                )
                record.changed = True
        for tag in group.tag:
            _write_tag(connection, key, tag, record, counts)
    return counts


def _write_tag(
    connection: sqlite3.Connection, group: int, tag: CorpTag, record: Recorder, counts: Counts
) -> None:
    counts.seen += 1
    values: tuple[Any, ...] = (group, tag.name, tag.order, tag.create_time)
    new = digest(*values)
    known = connection.execute(
        "SELECT id, digest, deleted_at, name FROM tag WHERE tag_id = ?", (tag.id,)
    ).fetchone()
    if known is not None and tag.unread:
        stored = connection.execute(
            "SELECT group_id, name, ord, create_time FROM tag WHERE id = ?", (known[0],)
        ).fetchone()
        values = kept(("", "name", "order", "create_time"), values, stored, tag.unread)
        new = digest(*values)
    if known is None:
        connection.execute(
            "INSERT INTO tag (tag_id, group_id, name, ord, create_time, digest)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (tag.id, *values, new),
        )
        counts.added += 1
        record.changed = True
    elif known[1:3] != (new, None):
        connection.execute(
            "UPDATE tag SET group_id = ?, name = ?, ord = ?, create_time = ?, digest = ?,"
            " kind = 1, deleted_at = NULL WHERE id = ?",
            (*values, new, known[0]),
        )
        counts.changed += 1
        record.changed = True
        if known[3] and known[3] != values[1]:
            before, after = ({"tag_id": tag.id, "name": name} for name in (known[3], values[1]))
            record.add("tag_name", before, after)


def absent_tags(connection: sqlite3.Connection, listed: Iterable[str]) -> list[str]:
    """tag_id of corp tags that the mirror believes alive and a complete list did not show."""
    there = set(listed)
    return [
        row[0]
        for row in connection.execute(
            "SELECT tag_id FROM tag WHERE deleted_at IS NULL AND group_id IS NOT NULL ORDER BY id"
        )
        if row[0] not in there
    ]


def tags_deleted(connection: sqlite3.Connection, tag_ids: Iterable[str], record: Recorder) -> int:
    """Tags that WeCom deleted; a group goes with its last tag. Returns how many changed."""
    gone = 0
    for tag_id in tag_ids:
        known = connection.execute(
            "SELECT id, name FROM tag WHERE tag_id = ? AND deleted_at IS NULL", (tag_id,)
        ).fetchone()
        if known is None:
            continue
        connection.execute("UPDATE tag SET deleted_at = ? WHERE id = ?", (record.now, known[0]))
        record.add("tag_name", {"tag_id": tag_id, "name": known[1]}, None)
        gone += 1
    if gone:
        connection.execute(
            "UPDATE tag_group SET deleted_at = ? WHERE deleted_at IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM tag WHERE tag.group_id = tag_group.id AND tag.deleted_at IS NULL)",
            (record.now,),
        )
    return gone
