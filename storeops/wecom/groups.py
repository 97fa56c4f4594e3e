"""Customer groups (客户群) and statistics (05)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storeops.wecom.checks import at_most
from storeops.wecom.envelope import Response
from storeops.wecom.fields import Cursor, DecodedRow, Id, Number, Seconds
from storeops.wecom.paging import pages

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient

OWNERS_PER_CALL = 100

LIST = "externalcontact/groupchat/list"
GET = "externalcontact/groupchat/get"


@dataclass(frozen=True, slots=True)
class ChatRow:
    """A group in the list: status 0 normal, 1 owner left, 2 handover running, 3 handover done."""

    chat_id: Id
    status: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPage(Response):
    """A page of groupchat/list."""

    group_chat_list: tuple[ChatRow, ...]
    next_cursor: Cursor = ""  # may be absent at the end


@dataclass(frozen=True, slots=True)
class Invitor(DecodedRow):
    """The member who brought somebody into a group."""

    userid: str = ""


@dataclass(frozen=True, slots=True)
class ChatMember(DecodedRow):
    """Somebody in a group; for type 2 the userid is an external_userid."""

    userid: Id
    type: Number = 0  # 1 corp member, 2 external
    unionid: str = ""
    join_time: Seconds = 0
    join_scene: Number = 0  # 1 invited, 2 by link, 3 by QR code
    invitor: Invitor | None = None
    group_nickname: str = ""
    name: str = ""  # only with need_name
    state: str = ""


@dataclass(frozen=True, slots=True)
class ChatAdmin:
    """An administrator of a group."""

    userid: Id


@dataclass(frozen=True, slots=True)
class GroupChat(DecodedRow):
    """A customer group with its members; `name` is "" for unnamed groups."""

    chat_id: Id
    name: str = ""
    owner: str = field(kw_only=True)
    create_time: Seconds = 0
    notice: str = ""
    member_list: tuple[ChatMember, ...] = field(kw_only=True)
    admin_list: tuple[ChatAdmin, ...] = ()
    member_version: str = ""


@dataclass(frozen=True, slots=True)
class ChatFigures:
    """Group figures: counts over the range, totals at its end."""

    new_chat_cnt: Number = 0
    chat_total: Number = 0
    chat_has_msg: Number = 0
    new_member_cnt: Number = 0
    member_total: Number = 0
    member_has_msg: Number = 0
    msg_total: Number = 0
    migrate_trainee_chat_cnt: Number = 0


@dataclass(frozen=True, slots=True)
class OwnerFigures:
    """Group figures of one owner."""

    owner: Id
    data: ChatFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerFiguresPage(Response):
    """A page of groupchat/statistic; it is the last when `next_offset` equals `total`."""

    items: tuple[OwnerFigures, ...]
    total: Number
    next_offset: Number


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Group figures of one day, summed over the owners asked for."""

    stat_time: Seconds  # 00:00 China time, Unix seconds
    data: ChatFigures


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Contact figures of one day, summed over everybody asked for.

    Attributes:
        stat_time: 00:00 China time, Unix seconds.
        chat_cnt: single chats with messages.
        message_cnt: messages sent by the members.
        reply_percentage: 0 to 100; None on days without chats the customer began.
        avg_reply_time: minutes to the first reply; None on such days.
        negative_feedback_cnt: customers who deleted or blocked the member.
        new_apply_cnt: friend requests sent.
        new_contact_cnt: new customers.
    """

    stat_time: Seconds
    chat_cnt: Number = 0
    message_cnt: Number = 0
    reply_percentage: float | None = None
    avg_reply_time: Number | None = None
    negative_feedback_cnt: Number = 0
    new_apply_cnt: Number = 0
    new_contact_cnt: Number = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _GroupChatResponse(Response):
    group_chat: GroupChat


@dataclass(frozen=True, slots=True, kw_only=True)
class _DayFiguresResponse(Response):
    items: tuple[DayFigures, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _BehaviourResponse(Response):
    behavior_data: tuple[Behaviour, ...]


def list_chats(
    client: WeComClient,
    *,
    status_filter: int = 0,
    owners: Sequence[str] = (),
    cursor: str = "",
    limit: int = 1000,
) -> ChatPage:
    """POST externalcontact/groupchat/list (doc 92120): one page of groups.

    Args:
        client: the client.
        status_filter: 0 all, 1 owner left, 2 handover running, 3 handover done.
        owners: at most 100 members; none means all visible ones, refused above 1,000 (81017).
        cursor: "" for the first page.
        limit: rows at most, 1 to 1,000.

    Raises:
        ValueError: more than 100 owners.
    """
    filtered = at_most(owners, OWNERS_PER_CALL, "userid_list", least=0)
    body = {
        "status_filter": status_filter,
        "owner_filter": {"userid_list": filtered} if filtered else None,
        "cursor": cursor or None,
        "limit": limit,
    }
    return client.post(LIST, ChatPage, body, write=False)


def iter_chats(
    client: WeComClient, *, status_filter: int = 0, owners: Sequence[str] = ()
) -> Iterator[ChatRow]:
    """All groups of the owners, page after page."""
    for page in pages(
        LIST,
        lambda cursor: list_chats(
            client, status_filter=status_filter, owners=owners, cursor=cursor
        ),
    ):
        yield from page.group_chat_list


def get_chat(client: WeComClient, chat_id: str, *, need_name: bool = True) -> GroupChat:
    """POST externalcontact/groupchat/get (doc 92122): a group with its members. Not paged.

    Raises:
        WeComError: 40050 unknown; 49008 dissolved; 90501 not a customer group.
    """
    body = {"chat_id": chat_id, "need_name": int(need_name)}
    return client.post(GET, _GroupChatResponse, body, write=False).group_chat


def chat_statistics(
    client: WeComClient,
    owners: Sequence[str],
    day_begin_time: int,
    day_end_time: int | None = None,
    *,
    order_by: int = 1,
    order_asc: bool = False,
    offset: int = 0,
    limit: int = 500,
) -> OwnerFiguresPage:
    """POST externalcontact/groupchat/statistic (doc 92133): one page of figures per owner.

    Args:
        client: the client.
        owners: 1 to 100 members.
        day_begin_time: any second of the first day, China time; at most 180 days back.
        day_end_time: any second of the last day, at the latest yesterday; None: the first day.
        order_by: 1 new groups, 2 total groups, 3 new members, 4 total members.
        order_asc: smallest first.
        offset: rows to skip.
        limit: rows at most, 1 to 1,000.

    Raises:
        ValueError: no owners, or more than 100.
        WeComError: 600018 the range is not allowed (today is not, nor more than 30 days).
    """
    body = {
        "day_begin_time": day_begin_time,
        "day_end_time": day_end_time,
        "owner_filter": {"userid_list": at_most(owners, OWNERS_PER_CALL, "userid_list")},
        "order_by": order_by,
        "order_asc": int(order_asc),
        "offset": offset,
        "limit": limit,
    }
    path = "externalcontact/groupchat/statistic"
    return client.post(path, OwnerFiguresPage, body, write=False)


def chat_statistics_by_day(
    client: WeComClient,
    owners: Sequence[str],
    day_begin_time: int,
    day_end_time: int | None = None,
) -> tuple[DayFigures, ...]:
    """POST externalcontact/groupchat/statistic_group_by_day (doc 92133): one row per day.

    Arguments and errors as `chat_statistics`; not paged, summed over the owners.
    """
    body = {
        "day_begin_time": day_begin_time,
        "day_end_time": day_end_time,
        "owner_filter": {"userid_list": at_most(owners, OWNERS_PER_CALL, "userid_list")},
    }
    path = "externalcontact/groupchat/statistic_group_by_day"
    return client.post(path, _DayFiguresResponse, body, write=False).items


def behaviour(
    client: WeComClient,
    start_time: int,
    end_time: int,
    *,
    userids: Sequence[str] = (),
    department_ids: Sequence[int] = (),
) -> tuple[Behaviour, ...]:
    """POST externalcontact/get_user_behavior_data (doc 92132): one row per day, all summed.

    Args:
        client: the client.
        start_time: any second of the first day, China time; at most 180 days back.
        end_time: any second of the last day; at most 30 days in all.
        userids: at most 100 members; one alone gives figures of one person.
        department_ids: at most 100 departments; added to the members.

    Raises:
        ValueError: neither members nor departments, or too many.
        WeComError: 600018 the range is not allowed.
    """
    if not userids and not department_ids:
        raise ValueError("userid and partyid are both empty")
    body = {
        "userid": at_most(userids, 100, "userid", least=0) or None,
        "partyid": at_most(department_ids, 100, "partyid", least=0) or None,
        "start_time": start_time,
        "end_time": end_time,
    }
    path = "externalcontact/get_user_behavior_data"
    return client.post(path, _BehaviourResponse, body, write=False).behavior_data
