"""Group chats and who is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _
from storeops.mirror.members import find
from storeops.reading.directory import GroupRow, chats
from storeops.spelling import did_you_mean


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One member of a group chat.

    Attributes:
        member: userid (type 1) or external_userid (type 2).
        type: 1 staff, 2 customer or stranger.
        name, group_nickname: as WeCom has them.
        known: for type 2, whether the mirror knows the person as a customer; True for staff.
        join_time: Unix seconds.
        join_scene: 1 and 2 invited by a member (directly, by link), 3 scanned a code.
        invitor: userid of who invited, "" when nobody did.
        state: contact-way state that brought the person in.
    """

    member: str
    type: int
    name: str
    group_nickname: str
    known: bool
    join_time: int
    join_scene: int
    invitor: str
    state: str


def list_groups(
    db: Database, *, owners: Sequence[str] = (), owner_left: bool = False
) -> list[GroupRow]:
    """Group chats, newest first.

    Args:
        db: data.db.
        owners: userids or names; nothing for all.
        owner_left: only those whose owner has left.

    Raises:
        NotFoundError, UsageError: an owner is not found, or not certain.
    """
    userids = {find(db, each).userid.casefold() for each in owners}
    return [
        each
        for each in chats(db)
        if (not userids or each.owner_userid.casefold() in userids)
        and (not owner_left or each.gone)
    ]


def find_group(db: Database, who: str) -> GroupRow:
    """One group chat by chat_id or name.

    Raises:
        NotFoundError: none; with the nearest names.
        UsageError: more than one.
    """
    rows = chats(db)
    wanted = who.strip().casefold()
    for found in (
        [each for each in rows if each.chat_id == who],
        [each for each in rows if each.name.casefold() == wanted],
        [each for each in rows if wanted and wanted in each.name.casefold()],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            names = _("; ").join(f"{each.chat_id} {each.name}" for each in found[:5])
            raise UsageError(
                _("“{who}” means more than one group chat: {names}").format(who=who, names=names),
                hint=_("Give the chat_id."),
            )
    raise NotFoundError(
        _("No group chat is “{who}”.").format(who=who),
        hint=did_you_mean(
            who,
            [each.name for each in rows if each.name],
            _("`storeops group list` names all of them."),
            most=3,
        ),
    )


def list_members(db: Database, chat_id: str, *, customers_only: bool = False) -> list[GroupMember]:
    """Who is in a group chat, staff first, then by the time they joined."""
    rows = db.execute(
        "SELECT m.member, m.type, m.name, m.group_nickname,"
        " m.type = 1 OR EXISTS (SELECT 1 FROM customer c WHERE c.external_userid = m.member),"
        " m.join_time, m.join_scene, m.invitor, m.state FROM group_member m"
        " JOIN group_chat g ON g.id = m.group_id WHERE g.chat_id = ?"
        " ORDER BY m.type, m.join_time, m.member",
        (chat_id,),
    )
    found = [_member(*row) for row in rows]
    return [each for each in found if each.type == 2] if customers_only else found


def _member(
    member: str, kind: int, name: str, nickname: str, known: int, joined: int, scene: int,
    invitor: str, state: str,
) -> GroupMember:  # fmt: skip
    return GroupMember(member, kind, name, nickname, bool(known), joined, scene, invitor, state)
