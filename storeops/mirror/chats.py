"""Writes group chats and their members."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from storeops.mirror.digest import as_json, digest
from storeops.mirror.kept import kept
from storeops.mirror.timeline import Recorder

if TYPE_CHECKING:
    from storeops.wecom.groups import GroupChat


# what WeCom calls the columns
_CHAT_FIELDS = ("name", "owner", "", "create_time", "notice", "admin_list", "member_version")
_MEMBER_FIELDS = ("userid", "type", "name", "group_nickname", "join_time", "join_scene",
                  "invitor", "state")  # fmt: skip


def write_chat(
    connection: sqlite3.Connection, chat: GroupChat, status: int, record: Recorder
) -> str:
    """Bring one group to what was read.

    Args:
        connection: in a write transaction.
        chat: the answer of groupchat/get.
        status: the owner's situation from groupchat/list: 0 normal, 1 left, 2 running, 3 done.
        record: takes the history.

    Returns:
        "added", "changed" or "same".
    """
    members: list[tuple[Any, ...]] = [
        (
            each.userid,
            each.type,
            each.name,
            each.group_nickname,
            each.join_time,
            each.join_scene,
            each.invitor.userid if each.invitor else "",
            each.state,
        )
        for each in chat.member_list
    ]
    members = list({each[0]: each for each in members}.values())
    partly = {each.userid: each.unread for each in chat.member_list if each.unread}
    if partly:
        stored = _stored_members(connection, chat.chat_id)
        members = [
            kept(_MEMBER_FIELDS, each, stored[each[0]], partly[each[0]])
            if each[0] in partly and each[0] in stored
            else each
            for each in members
        ]
    external = sum(1 for each in members if each[1] == 2)
    admins = as_json([each.userid for each in chat.admin_list])
    values: tuple[Any, ...] = (
        chat.name,
        chat.owner,
        status,
        chat.create_time,
        chat.notice,
        admins,
        chat.member_version,
        len(members),
        external,
    )
    if chat.unread:
        before = connection.execute(
            "SELECT name, owner_userid, owner_status, create_time, notice, admins, member_version"
            " FROM group_chat WHERE chat_id = ? AND detail_known",
            (chat.chat_id,),
        ).fetchone()
        if before is not None:
            values = (*kept(_CHAT_FIELDS, values[:7], before, chat.unread), *values[7:])
    new = digest(*values, tuple(sorted(members)))
    known = connection.execute(
        "SELECT id, digest, status, name, owner_userid, detail_known FROM group_chat"
        " WHERE chat_id = ?",
        (chat.chat_id,),
    ).fetchone()
    if known is not None and known[1:3] == (new, "active"):
        return "same"
    record.changed = True
    if known is None:
        cursor = connection.execute(
            "INSERT INTO group_chat (chat_id, first_seen_at, updated_at) VALUES (?, ?, ?)",
            (chat.chat_id, record.now, record.now),
        )
        assert cursor.lastrowid is not None
        key = cursor.lastrowid
    else:
        key = known[0]
        _note(chat, values[0], known, record)
    connection.execute(
        "UPDATE group_chat SET name = ?, owner_userid = ?, owner_status = ?, create_time = ?,"
        " notice = ?, admins = ?, member_version = ?, member_count = ?, external_count = ?,"
        " detail_known = 1, status = 'active', digest = ?, updated_at = ? WHERE id = ?",
        (*values, new, record.now, key),
    )
    _write_members(connection, chat.chat_id, key, members)
    return "added" if known is None else "changed"


def with_known_members(
    connection: sqlite3.Connection, chat: GroupChat, unread: Sequence[str | None]
) -> GroupChat:
    """`chat` with members that the mirror knows and whose rows could not be read.

    Args:
        connection: reads only.
        chat: the answer of groupchat/get without those rows.
        unread: userid of each such row; None when it cannot be read, so that it may be anybody.
    """
    from storeops.wecom.groups import ChatMember, Invitor

    listed = {each.userid for each in chat.member_list}
    known = [
        ChatMember(
            member, kind, "", join_time, join_scene, Invitor(invitor) if invitor else None,
            nickname, name, state,
        )
        for member, kind, name, nickname, join_time, join_scene, invitor, state in (
            _stored_members(connection, chat.chat_id).values()
        )
        if member not in listed and (member in unread or None in unread)
    ]  # fmt: skip
    return replace(chat, member_list=(*chat.member_list, *known))


def _stored_members(connection: sqlite3.Connection, chat_id: str) -> dict[str, tuple[Any, ...]]:
    """Columns of a group's members as the mirror knows them, by member."""
    return {
        row[0]: row
        for row in connection.execute(
            "SELECT m.member, m.type, m.name, m.group_nickname, m.join_time, m.join_scene,"
            " m.invitor, m.state FROM group_member AS m JOIN group_chat AS g ON g.id = m.group_id"
            " WHERE g.chat_id = ? ORDER BY m.member",
            (chat_id,),
        )
    }


def _note(chat: GroupChat, called: str, known: Sequence[object], record: Recorder) -> None:
    _key, _digest, status, name, owner, detail_known = known
    if status != "active":
        record.add(
            "group_status",
            {"chat_id": chat.chat_id, "status": status},
            {"chat_id": chat.chat_id, "status": "active"},
        )
    if not detail_known:
        return
    for field, before, after in (
        ("group_name", name, called),
        ("group_owner", owner, chat.owner),
    ):
        if before != after:
            record.add(
                field,
                {"chat_id": chat.chat_id, "value": before},
                {"chat_id": chat.chat_id, "value": after},
            )


def _write_members(
    connection: sqlite3.Connection, chat_id: str, group: int, members: Sequence[tuple[Any, ...]]
) -> None:
    stored = _stored_members(connection, chat_id)
    wanted = {each[0]: each for each in members}
    connection.executemany(
        "DELETE FROM group_member WHERE group_id = ? AND member = ?",
        [(group, member) for member in stored if member not in wanted],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO group_member (group_id, member, type, name, group_nickname,"
        " join_time, join_scene, invitor, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(group, *each) for member, each in wanted.items() if stored.get(member) != each],
    )


def set_chat_status(
    connection: sqlite3.Connection, chat_ids: Iterable[str], status: str, record: Recorder
) -> int:
    """Groups that are missing or dissolved; members stay as last seen. Returns how many changed."""
    changed = 0
    for chat_id in chat_ids:
        known = connection.execute(
            "SELECT id, status FROM group_chat WHERE chat_id = ?", (chat_id,)
        ).fetchone()
        if known is None or known[1] == status:
            continue
        connection.execute(
            "UPDATE group_chat SET status = ?, updated_at = ? WHERE id = ?",
            (status, record.now, known[0]),
        )
        before, after = ({"chat_id": chat_id, "status": each} for each in (known[1], status))
        record.add("group_status", before, after)
        changed += 1
    return changed
