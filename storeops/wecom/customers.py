"""Customer contact (客户联系): who follows, whom they follow, remarks (02)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from storeops.wecom.checks import at_most
from storeops.wecom.envelope import Response
from storeops.wecom.fields import EXACT, Cursor, DecodedRow, Id, Number, Seconds, UserId, partly
from storeops.wecom.paging import pages

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient

FOLLOW_PAGE_ROWS = 100
FOLLOW_PAGE_MEMBERS = 100
_PERSONAL = 2  # `type` of a tag that a member made for himself; it has no id

GET_BY_USER = "externalcontact/batch/get_by_user"
REMARK = "externalcontact/remark"


@dataclass(frozen=True, slots=True)
class ExternalContact(DecodedRow):
    """A customer as WeCom shows them to the corp; absent fields are ""."""

    always_sent: ClassVar[Collection[str]] = ("name", "type")
    external_userid: Id
    name: str = ""
    avatar: str = ""
    type: Number = 0  # 1 WeChat user, 2 WeCom user of another corp
    gender: Number = 0  # 0 unknown, 1 male, 2 female
    unionid: str = ""
    position: str = ""
    corp_name: str = ""
    corp_full_name: str = ""


@dataclass(frozen=True, slots=True)
class FollowTag(DecodedRow):
    """A tag on a follow, as externalcontact/get tells it."""

    group_name: str = ""
    tag_name: str = ""
    type: Number = 1  # 1 corp tag, 2 personal tag, 3 strategy tag
    tag_id: Annotated[str, EXACT] = ""  # "" for personal tags


@dataclass(frozen=True, slots=True)
class WechatChannels(DecodedRow):
    """Where in Channels the customer came from; only with add_way 10."""

    nickname: str = ""
    source: Number = 0


@dataclass(frozen=True, slots=True)
class FollowUser(DecodedRow):
    """One member's relation to the customer, with tag names (externalcontact/get)."""

    always_sent: ClassVar[Collection[str]] = (
        "remark", "description", "createtime", "tags", "remark_mobiles", "add_way",
    )  # fmt: skip
    userid: UserId
    remark: str = ""
    description: str = ""
    createtime: Seconds = 0
    tags: Annotated[tuple[FollowTag, ...], EXACT] = ()
    remark_corp_name: str = ""
    remark_mobiles: tuple[str, ...] = ()
    add_way: Number = 0
    oper_userid: str = ""
    state: str = ""
    wechat_channels: WechatChannels | None = None


@dataclass(frozen=True, slots=True)
class FollowInfo(DecodedRow):
    """One member's relation to the customer, with tag ids (batch/get_by_user)."""

    always_sent: ClassVar[Collection[str]] = (
        "remark", "description", "createtime", "tag_id", "remark_mobiles", "add_way",
    )  # fmt: skip
    userid: UserId
    remark: str = ""
    description: str = ""
    createtime: Seconds = 0
    tag_id: Annotated[tuple[Id, ...], EXACT] = ()  # corp and strategy tags, no personal ones
    remark_corp_name: str = ""
    remark_mobiles: tuple[str, ...] = ()
    add_way: Number = 0
    oper_userid: str = ""
    state: str = ""
    wechat_channels: WechatChannels | None = None


@dataclass(frozen=True, slots=True)
class FollowRow:
    """One (member, customer) pair of batch/get_by_user."""

    external_contact: ExternalContact
    follow_info: FollowInfo


@dataclass(frozen=True, slots=True)
class FailInfo:
    """Members that were skipped because they have no licence (third-party apps)."""

    unlicensed_userid_list: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowPage(Response):
    """A page of batch/get_by_user; only an empty `next_cursor` ends the list."""

    external_contact_list: tuple[FollowRow, ...]
    next_cursor: str
    fail_info: FailInfo = FailInfo()


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer with all follows the app may see."""

    external_contact: ExternalContact
    follow_user: tuple[FollowUser, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerPage(Response):
    """One answer of externalcontact/get; more than 500 followers come in pages."""

    external_contact: ExternalContact
    follow_user: tuple[FollowUser, ...]
    next_cursor: Cursor = ""  # may be absent at the end


@dataclass(frozen=True, slots=True, kw_only=True)
class _FollowUsers(Response):
    follow_user: tuple[Id, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ExternalUserids(Response):
    external_userid: tuple[Id, ...]


def list_follow_users(client: WeComClient) -> tuple[str, ...]:
    """GET externalcontact/get_follow_user_list (doc 92571): members with customer contact."""
    return client.get("externalcontact/get_follow_user_list", _FollowUsers).follow_user


def list_external_userids(client: WeComClient, userid: str) -> tuple[str, ...]:
    """GET externalcontact/list (doc 92113): ids of all customers of one member. Not paged.

    Raises:
        WeComError: 84061 the member has no customers; 60111 or 40003 unknown or invisible member.
    """
    return client.get("externalcontact/list", _ExternalUserids, {"userid": userid}).external_userid


def get_page(client: WeComClient, external_userid: str, cursor: str = "") -> CustomerPage:
    """GET externalcontact/get (doc 92114): one page of followers of a customer."""
    params = {"external_userid": external_userid, "cursor": cursor or None}
    return client.get("externalcontact/get", CustomerPage, params)


def get(client: WeComClient, external_userid: str) -> Customer:
    """A customer with every follow, pages merged.

    Raises:
        WeComError: 84061 no relation; 40096 malformed, foreign, or followers all out of scope.
    """
    read = list(
        pages("externalcontact/get", lambda cursor: get_page(client, external_userid, cursor))
    )
    follows = {follow.userid: follow for page in read for follow in page.follow_user}
    return Customer(read[0].external_contact, tuple(follows.values()))


def get_by_user(
    client: WeComClient,
    userids: Sequence[str],
    cursor: str = "",
    limit: int = FOLLOW_PAGE_ROWS,
) -> FollowPage:
    """POST externalcontact/batch/get_by_user (doc 92994): one page of follows of some members.

    Args:
        client: the client.
        userids: 1 to 100 members; the same for every cursor of one list.
        cursor: "" for the first page; use it at once, its life is short (50100).
        limit: rows at most, 1 to 100.

    Raises:
        ValueError: no members, or more than 100.
        WeComError: 60111, 60011 a member is unknown or out of scope; 84061 nobody has customers.
    """
    body = {
        "userid_list": at_most(userids, FOLLOW_PAGE_MEMBERS, "userid_list"),
        "cursor": cursor or None,
        "limit": limit,
    }
    return client.post(GET_BY_USER, FollowPage, body, write=False)


def iter_by_user(client: WeComClient, userids: Sequence[str]) -> Iterator[FollowRow]:
    """All follows of 1 to 100 members, page after page."""
    for page in pages(GET_BY_USER, lambda cursor: get_by_user(client, userids, cursor)):
        yield from page.external_contact_list


def remark(
    client: WeComClient,
    userid: str,
    external_userid: str,
    *,
    remark: str | None = None,
    description: str | None = None,
    remark_company: str | None = None,
    remark_mobiles: Sequence[str] | None = None,
    remark_pic_mediaid: str | None = None,
) -> None:
    """POST externalcontact/remark (doc 92115): change what one member wrote about a customer.

    Args:
        client: the client.
        userid: the member.
        external_userid: the customer.
        remark: at most 20 characters; None leaves it.
        description: at most 150 characters; None leaves it.
        remark_company: at most 20 characters, WeChat users only; None leaves it.
        remark_mobiles: replaces the whole list; empty clears it (sent as `[""]`); None leaves it.
        remark_pic_mediaid: a temporary media id; None leaves it.

    Raises:
        ValueError: nothing to change.
        UncertainError: sent, but not answered.
        WeComError: 84061 no such relation; 40096 bad id; 40058 too long; 45035 written in parallel.
    """
    fields: dict[str, object] = {
        "remark": remark,
        "description": description,
        "remark_company": remark_company,
        "remark_mobiles": None if remark_mobiles is None else list(remark_mobiles) or [""],
        "remark_pic_mediaid": remark_pic_mediaid,
    }
    if all(value is None for value in fields.values()):
        raise ValueError("nothing to change")
    client.post(REMARK, Response, {"userid": userid, "external_userid": external_userid, **fields})


def info_of(follow: FollowUser) -> FollowInfo:
    """A follow of externalcontact/get (doc 92114) in the shape of batch/get_by_user: ids of corp
    tags instead of names."""
    unread = {"tag_id" if name == "tags" else name for name in follow.unread}
    if any("tag_id" in tag.unread and tag.type != _PERSONAL for tag in follow.tags):
        unread.add("tag_id")
    return partly(FollowInfo, unread)(
        userid=follow.userid,
        remark=follow.remark,
        description=follow.description,
        createtime=follow.createtime,
        tag_id=tuple(tag.tag_id for tag in follow.tags if tag.tag_id),
        remark_corp_name=follow.remark_corp_name,
        remark_mobiles=follow.remark_mobiles,
        add_way=follow.add_way,
        oper_userid=follow.oper_userid,
        state=follow.state,
        wechat_channels=follow.wechat_channels,
    )
