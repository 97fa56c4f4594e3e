"""Contact ways (联系我, 渠道活码): codes and buttons by which customers add members (doc 92228)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from storeops.wecom.envelope import Response
from storeops.wecom.fields import EXACT, Cursor, DecodedRow, Id, IdNumber, Number, UserId
from storeops.wecom.paging import pages

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient

ADD = "externalcontact/add_contact_way"
UPDATE = "externalcontact/update_contact_way"
DELETE = "externalcontact/del_contact_way"
GET = "externalcontact/get_contact_way"
LIST = "externalcontact/list_contact_way"
SINGLE, MULTI = 1, 2  # type
BUTTON, QR = 1, 2  # scene
TEXT_MAX = 30  # characters of remark and state
REACH_MAX = 100  # members, those of departments included
MOST = 500_000  # a corp, group chats' join ways included
LISTED_SINCE = 1_625_846_400  # 2021-07-10; what was made before is never listed
PER_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ContactWay(DecodedRow):
    """One contact way.

    Attributes:
        type: 1 one member, 2 several.
        scene: 1 a button of a mini-program, 2 a QR code.
        style: of the button.
        remark: its name, for the corp alone.
        skip_verify: customers are added without a member's consent.
        state: comes back with the customers who came by it.
        qr_code: address of the picture.
        user, party: who may be added: members and departments.
        is_exclusive: a customer can add the same member only.
    """

    config_id: Id
    type: Annotated[int, EXACT] = 0
    scene: Annotated[int, EXACT] = 0
    style: Number = 0
    remark: str = ""
    skip_verify: Annotated[bool, EXACT] = True
    state: Annotated[str, EXACT] = ""
    qr_code: str = ""
    user: Annotated[tuple[UserId, ...], EXACT] = ()
    party: Annotated[tuple[IdNumber, ...], EXACT] = ()
    is_exclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _WayResponse(Response):
    contact_way: ContactWay


@dataclass(frozen=True, slots=True)
class WayId(DecodedRow):
    """A row of the list: nothing but the id."""

    config_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class WayPage(Response):
    """One page of the list."""

    contact_way: tuple[WayId, ...]
    next_cursor: Cursor = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeWay(Response):
    """A way that was just made; the id is told here and in the list, nowhere else."""

    config_id: Id
    qr_code: str = ""  # of scene 2 only


def add(client: WeComClient, fields: Mapping[str, Any]) -> MadeWay:
    """POST externalcontact/add_contact_way (doc 92228).

    Args:
        client: the client.
        fields: as `ContactWay` names them, without config_id and qr_code; type and scene are
            needed, and members or departments.

    Raises:
        UncertainError: sent, but not answered.
        WeComError: 41054 a member may not be added; 41041 it reaches too many; 41045 too many ways.
    """
    return client.post(ADD, MadeWay, dict(fields))


def update(client: WeComClient, config_id: str, fields: Mapping[str, Any]) -> None:
    """POST externalcontact/update_contact_way: what is given replaces what was, lists whole.

    Raises:
        UncertainError: sent, but not answered.
        WeComError: 41044 there is none; else as `add`.
    """
    client.post(UPDATE, Response, {"config_id": config_id, **fields})


def delete(client: WeComClient, config_id: str) -> None:
    """POST externalcontact/del_contact_way: the code leads nowhere from now on.

    Raises:
        UncertainError: sent, but not answered.
        WeComError: 41044 there is none.
    """
    client.post(DELETE, Response, {"config_id": config_id})


def get(client: WeComClient, config_id: str) -> ContactWay:
    """POST externalcontact/get_contact_way.

    Raises:
        WeComError: 41044 there is none.
    """
    return client.post(GET, _WayResponse, {"config_id": config_id}, write=False).contact_way


def iter_pages(
    client: WeComClient, start_time: int = LISTED_SINCE, limit: int = PER_PAGE
) -> Iterator[WayPage]:
    """POST externalcontact/list_contact_way, page by page: all that were made since a moment.

    Args:
        client: the client.
        start_time: Unix seconds; WeCom lists nothing from before 2021-07-10.
        limit: ids a page, at most 1,000.
    """

    def read(cursor: str) -> WayPage:
        body = {"start_time": start_time, "limit": limit, "cursor": cursor or None}
        return client.post(LIST, WayPage, body, write=False)

    return pages(LIST, read)
