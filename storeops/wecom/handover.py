"""Handover (在职继承, 离职继承): who waits, handing over, and what came of it (04)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from storeops.i18n import _
from storeops.wecom import failures
from storeops.wecom.checks import at_most
from storeops.wecom.envelope import Response
from storeops.wecom.errors import ResponseError
from storeops.wecom.fields import EXACT, Id, Number, Seconds
from storeops.wecom.paging import endless, pages

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient

CUSTOMERS_PER_CALL = 100
CHATS_PER_CALL = 100

UNASSIGNED = "externalcontact/get_unassigned_list"
TRANSFER = "externalcontact/transfer_customer"
TRANSFER_RESULT = "externalcontact/transfer_result"
RESIGNED_TRANSFER = "externalcontact/resigned/transfer_customer"
RESIGNED_TRANSFER_RESULT = "externalcontact/resigned/transfer_result"
CHAT_ONJOB_TRANSFER = "externalcontact/groupchat/onjob_transfer"
CHAT_TRANSFER = "externalcontact/groupchat/transfer"

# the older form of get_unassigned_list: pages by number, told in the place of a cursor
_BY_NUMBER = "page_id="
_BY_NUMBER_ENDS = 50_000


@dataclass(frozen=True, slots=True)
class Unassigned:
    """A leaver's customer who waits for somebody."""

    handover_userid: Id
    external_userid: Id
    dimission_time: Seconds = 0  # 0: not told


@dataclass(frozen=True, slots=True)
class UnassignedPage:
    """A page of get_unassigned_list.

    Attributes:
        info: its rows.
        next_cursor: where the next page begins; "" ends the list.
        said: whether WeCom said that the list ends here, when it does.
    """

    info: tuple[Unassigned, ...]
    next_cursor: str
    said: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unassigned(Response):
    info: tuple[Unassigned, ...]
    is_last: Annotated[bool | None, EXACT] = None
    next_cursor: Annotated[str | None, EXACT] = None  # not told when page_id was used


@dataclass(frozen=True, slots=True)
class TransferRow:
    """WeCom's word on one customer of a handover: 0 means accepted, not done."""

    external_userid: Id
    errcode: Number


@dataclass(frozen=True, slots=True)
class TransferOutcome:
    """How one handover stands.

    Attributes:
        external_userid: the customer; may occur once per attempt.
        status: 1 done, 2 waiting, 3 customer refused, 4 successor full, 5 no record (on the job).
        takeover_time: Unix seconds when it happened, or will by itself (status 2); else 0.
    """

    external_userid: Id
    status: Number
    takeover_time: Seconds = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferResultPage(Response):
    """A page of outcomes, at most 1,000 rows."""

    customer: tuple[TransferOutcome, ...]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class FailedChat:
    """A group that could not be handed over."""

    chat_id: Id
    errcode: Number
    errmsg: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Transferred(Response):
    customer: tuple[TransferRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _FailedChats(Response):
    # what is not in it was handed over, so that without it nobody knows (absent at times)
    failed_chat_list: tuple[FailedChat, ...]


def list_unassigned(client: WeComClient, cursor: str = "", page_size: int = 1000) -> UnassignedPage:
    """POST externalcontact/get_unassigned_list (doc 92124): one page.

    A page that is not the last and names no cursor is followed by page number: from 1 after the
    first page, else from 0 again, since a page may hold fewer rows than asked for.

    Args:
        client: the client.
        cursor: "" for the first page, else `next_cursor` of the page before.
        page_size: rows at most, 1 to 1,000; the same for every page.

    Raises:
        ResponseError: nobody can tell where the list goes on.
    """
    by_number = cursor.startswith(_BY_NUMBER)
    number = int(cursor.removeprefix(_BY_NUMBER)) if by_number else 0
    if number * page_size >= _BY_NUMBER_ENDS:
        raise ResponseError(
            _("WeCom names no cursor in its list of unassigned customers, which ends so at {most}"
              " rows.").format(most=_BY_NUMBER_ENDS),
            hint=_("Assign some of them in the WeCom console, then sync again."),
        )  # fmt: skip
    body: dict[str, object] = {"page_id": number} if by_number else {"cursor": cursor or None}
    body["page_size"] = page_size
    page = client.post(UNASSIGNED, _Unassigned, body, write=False)
    if page.is_last:
        return UnassignedPage(page.info, "")
    if page.next_cursor:
        return UnassignedPage(page.info, page.next_cursor)
    if page.is_last is None:
        return UnassignedPage(page.info, "", said=False)
    if by_number and not page.info:
        raise endless(UNASSIGNED)
    return UnassignedPage(page.info, f"{_BY_NUMBER}{number + 1 if by_number or not cursor else 0}")


def iter_unassigned(client: WeComClient) -> Iterator[Unassigned]:
    """All unassigned customers, page after page.

    Raises:
        ResponseError: WeCom did not say where the list ends.
    """
    for page in pages(UNASSIGNED, lambda cursor: list_unassigned(client, cursor)):
        yield from page.info
    if not page.said:
        raise end_unsaid()


def end_unsaid() -> ResponseError:
    """The list stops, and nothing says that it is the whole list."""
    return ResponseError(
        _("WeCom did not say whether its list of unassigned customers ends here (is_last)."),
        hint=_("Sync again: nobody counts as missing until the list was read to its end."),
        details={"path": UNASSIGNED},
    )


def transfer(
    client: WeComClient,
    handover_userid: str,
    takeover_userid: str,
    external_userids: Sequence[str],
    *,
    transfer_success_msg: str | None = None,
) -> tuple[TransferRow, ...]:
    """POST externalcontact/transfer_customer (doc 92125): hand over on the job.

    Args:
        client: the client.
        handover_userid: the present owner, in service.
        takeover_userid: the successor.
        external_userids: 1 to 100 customers.
        transfer_success_msg: what the customer reads, at most 200 characters; None: WeCom's text.

    Returns:
        One row per customer, matched by id, not by place.

    Raises:
        ValueError: no customers, or more than 100.
        UncertainError: sent, but not answered; read `transfer_result`.
        WeComError: the whole call was refused.
    """
    body = {
        "handover_userid": handover_userid,
        "takeover_userid": takeover_userid,
        "external_userid": at_most(external_userids, CUSTOMERS_PER_CALL, "external_userid"),
        "transfer_success_msg": transfer_success_msg,
    }
    return client.post(TRANSFER, _Transferred, body).customer


def transfer_result(
    client: WeComClient, handover_userid: str, takeover_userid: str, cursor: str = ""
) -> TransferResultPage:
    """POST externalcontact/transfer_result (doc 94088): one page of outcomes of a pair."""
    return _result(client, TRANSFER_RESULT, handover_userid, takeover_userid, cursor)


def resigned_transfer(
    client: WeComClient,
    handover_userid: str,
    takeover_userid: str,
    external_userids: Sequence[str],
) -> tuple[TransferRow, ...]:
    """POST externalcontact/resigned/transfer_customer (doc 94081): hand over a leaver's customers.

    There is no message to the customer here. Arguments, answer and errors as `transfer`;
    40097 when the member has not left.
    """
    body = {
        "handover_userid": handover_userid,
        "takeover_userid": takeover_userid,
        "external_userid": at_most(external_userids, CUSTOMERS_PER_CALL, "external_userid"),
    }
    return client.post(RESIGNED_TRANSFER, _Transferred, body).customer


def resigned_transfer_result(
    client: WeComClient, handover_userid: str, takeover_userid: str, cursor: str = ""
) -> TransferResultPage:
    """POST externalcontact/resigned/transfer_result (doc 94082): statuses 1 to 4 only."""
    return _result(client, RESIGNED_TRANSFER_RESULT, handover_userid, takeover_userid, cursor)


def _result(
    client: WeComClient, path: str, handover_userid: str, takeover_userid: str, cursor: str
) -> TransferResultPage:
    body = {
        "handover_userid": handover_userid,
        "takeover_userid": takeover_userid,
        "cursor": cursor or None,
    }
    return client.post(path, TransferResultPage, body, write=False)


def transfer_chats_on_job(
    client: WeComClient, chat_ids: Sequence[str], new_owner: str
) -> tuple[FailedChat, ...]:
    """POST externalcontact/groupchat/onjob_transfer (doc 95703): groups of somebody in service.

    Args:
        client: the client.
        chat_ids: 1 to 100 groups.
        new_owner: the member who takes them; at most 300 a day from one person.

    Returns:
        The failures only: groups not named there were handed over. Without that list nobody
        knows what was (doc 95703 has it, yet it may be absent).

    Raises:
        ValueError: no groups, or more than 100.
        UncertainError: sent, but not answered, or not in full; read the groups' owners.
        WeComError: the whole call was refused.
    """
    return _transfer_chats(client, CHAT_ONJOB_TRANSFER, chat_ids, new_owner)


def transfer_chats_resigned(
    client: WeComClient, chat_ids: Sequence[str], new_owner: str
) -> tuple[FailedChat, ...]:
    """POST externalcontact/groupchat/transfer (doc 92127): groups of somebody who left.

    Runs at WeCom's own pace: groupchat/list shows status 1, 2, 3. Arguments, answer and errors as
    `transfer_chats_on_job`; 90500 when the owner has not left.
    """
    return _transfer_chats(client, CHAT_TRANSFER, chat_ids, new_owner)


def _transfer_chats(
    client: WeComClient, path: str, chat_ids: Sequence[str], new_owner: str
) -> tuple[FailedChat, ...]:
    body = {
        "chat_id_list": at_most(chat_ids, CHATS_PER_CALL, "chat_id_list"),
        "new_owner": new_owner,
    }
    failed = client.post(path, _FailedChats, body).failed_chat_list
    if any(each.chat_id not in chat_ids or not each.errcode for each in failed):
        # what is not named counts as handed over, so every row must be of a group we sent
        raise failures.unreadable(path, "$.failed_chat_list", write=True)
    return failed
