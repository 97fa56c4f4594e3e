"""Corp tags of customers (企业客户标签): the library, and marking a follow (03)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from storeops.wecom.envelope import Response
from storeops.wecom.fields import EXACT, DecodedRow, Id, Number, Seconds

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient

MARK_TAG = "externalcontact/mark_tag"
ADD_CORP_TAG = "externalcontact/add_corp_tag"
EDIT_CORP_TAG = "externalcontact/edit_corp_tag"
DEL_CORP_TAG = "externalcontact/del_corp_tag"


@dataclass(frozen=True, slots=True)
class CorpTag(DecodedRow):
    """A tag of the library; here its keys are id and name, on a follow tag_id and tag_name."""

    always_sent: ClassVar[Collection[str]] = ("name", "order")
    label: ClassVar[str] = "name"
    id: Id
    name: str = ""
    create_time: Seconds = 0
    order: Number = 0
    deleted: Annotated[bool, EXACT] = False  # told only when the question named ids


@dataclass(frozen=True, slots=True)
class CorpTagGroup(DecodedRow):
    """A group of the library; it vanishes with its last tag."""

    always_sent: ClassVar[Collection[str]] = ("group_name", "order")
    label: ClassVar[str] = "group_name"
    group_id: Id
    group_name: str = ""
    create_time: Seconds = 0
    order: Number = 0
    tag: tuple[CorpTag, ...] = field(kw_only=True)
    deleted: Annotated[bool, EXACT] = False  # told only when the question named ids


@dataclass(frozen=True, slots=True)
class NewTag:
    """A tag to be made: 1 to 30 characters, larger `order` first."""

    name: str
    order: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Library(Response):
    tag_group: tuple[CorpTagGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Added(Response):
    tag_group: CorpTagGroup  # one object here, a list in the library


def list_corp_tags(
    client: WeComClient, tag_ids: Sequence[str] = (), group_ids: Sequence[str] = ()
) -> tuple[CorpTagGroup, ...]:
    """POST externalcontact/get_corp_tag_list (doc 92117). Not paged.

    Args:
        client: the client.
        tag_ids: only these tags inside their groups; deleted ones are told as such.
        group_ids: only these groups, whole; then `tag_ids` is ignored. Neither: everything.
    """
    body = {"tag_id": list(tag_ids) or None, "group_id": list(group_ids) or None}
    answer = client.post("externalcontact/get_corp_tag_list", _Library, body, write=False)
    return answer.tag_group


def add_corp_tag(
    client: WeComClient,
    tags: Sequence[NewTag],
    *,
    group_id: str | None = None,
    group_name: str | None = None,
    group_order: int | None = None,
) -> CorpTagGroup:
    """POST externalcontact/add_corp_tag (doc 92117): new tags, in an old or a new group.

    Args:
        client: the client.
        tags: at least one; a group cannot be empty.
        group_id: an existing group; then name and order of the group are ignored.
        group_name: a new group, or an existing one of that name.
        group_order: order of a new group.

    Returns:
        The group with the newly made tags only.

    Raises:
        ValueError: no tags, or no group.
        UncertainError: sent, but not answered.
        WeComError: 40071 the name exists; 40072 length; 40068 unknown group; 40126 library full;
            81011 another app's group.
    """
    if not tags or not (group_id or group_name):
        raise ValueError("a new tag needs a name and a group")
    body = {
        "group_id": group_id,
        "group_name": group_name,
        "order": group_order,
        "tag": [
            {"name": each.name} if each.order is None else {"name": each.name, "order": each.order}
            for each in tags
        ],
    }
    return client.post(ADD_CORP_TAG, _Added, body).tag_group


def edit_corp_tag(
    client: WeComClient, id: str, *, name: str | None = None, order: int | None = None
) -> None:
    """POST externalcontact/edit_corp_tag (doc 92117): rename or move a tag or a group.

    Args:
        client: the client.
        id: a tag id or a group id.
        name: the new name; None keeps it.
        order: the new order; None keeps it.

    Raises:
        UncertainError: sent, but not answered.
        WeComError: 40071 the name exists; 40068 or 81011 unknown, or another app's.
    """
    client.post(EDIT_CORP_TAG, Response, {"id": id, "name": name, "order": order})


def delete_corp_tags(
    client: WeComClient, tag_ids: Sequence[str] = (), group_ids: Sequence[str] = ()
) -> None:
    """POST externalcontact/del_corp_tag (doc 92117): off the library and off every customer.

    Raises:
        ValueError: no ids.
        UncertainError: sent, but not answered.
        WeComError: 40068 or 81011 one of them unknown or another app's; then nothing is deleted.
    """
    if not tag_ids and not group_ids:
        raise ValueError("no ids")
    body = {"tag_id": list(tag_ids) or None, "group_id": list(group_ids) or None}
    client.post(DEL_CORP_TAG, Response, body)


def mark(
    client: WeComClient,
    userid: str,
    external_userid: str,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> None:
    """POST externalcontact/mark_tag (doc 92118): tags of one member's relation to a customer.

    Args:
        client: the client.
        userid: the member; other members' tags on the same customer stay.
        external_userid: the customer.
        add: tag ids to set.
        remove: tag ids to take off.

    Raises:
        ValueError: nothing to add or remove.
        UncertainError: sent, but not answered.
        WeComError: 84061 not this member's customer; 40068 a bad tag id, nothing done; 45035.
    """
    if not add and not remove:
        raise ValueError("nothing to add or remove")
    body = {
        "userid": userid,
        "external_userid": external_userid,
        "add_tag": list(add) or None,
        "remove_tag": list(remove) or None,
    }
    client.post(MARK_TAG, Response, body)
