"""Contacts (通讯录): departments, members and member tags; reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from storeops.wecom.envelope import Answer
from storeops.wecom.fields import EXACT, Cursor, Id, IdNumber, Number, Row, partly
from storeops.wecom.paging import pages

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient

LEFT = 5  # `status` of a member who left (doc 90196)


@dataclass(frozen=True, slots=True)
class Department(Row):
    """A department as department/list and department/get tell it."""

    told: ClassVar[Collection[str]] = ("name", "parentid", "order")
    label: ClassVar[str] = "name"
    id: IdNumber
    name: str = ""  # withheld from third-party apps
    name_en: str = ""
    department_leader: tuple[str, ...] = ()
    parentid: Annotated[Number, EXACT] = 0  # a shop under another parent is another shop
    order: Number = 0


@dataclass(frozen=True, slots=True)
class DepartmentNode:
    """A department's place in the tree, without its name."""

    id: IdNumber
    parentid: Annotated[Number, EXACT] = 0
    order: Number = 0


@dataclass(frozen=True, slots=True)
class User(Row):
    """A member as user/get and user/list tell it; what the app may not see is empty."""

    told: ClassVar[Collection[str]] = ("name",)
    label: ClassVar[str] = "name"
    userid: Id
    name: str = ""
    department: tuple[Number, ...] = field(kw_only=True)
    order: tuple[Number, ...] = ()
    position: str = ""
    mobile: str = ""
    gender: str = ""
    email: str = ""
    biz_mail: str = ""
    is_leader_in_dept: tuple[Number, ...] = ()
    direct_leader: tuple[str, ...] = ()
    telephone: str = ""
    alias: str = ""
    main_department: Annotated[Number, EXACT] = 0
    status: Number = 0  # 1 active, 2 disabled, 4 not activated, 5 left; 0 not told
    external_position: str = ""


@dataclass(frozen=True, slots=True)
class SimpleUser:
    """A member as user/simplelist tells it."""

    userid: Id
    name: str = ""
    department: tuple[Number, ...] = ()  # tag/get leaves it out


@dataclass(frozen=True, slots=True)
class UserDepartment:
    """One row of user/list_id: a member in one department."""

    userid: Id
    department: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class UserIdPage(Answer):
    """A page of user/list_id; "" as `next_cursor` ends the list."""

    dept_user: tuple[UserDepartment, ...]
    next_cursor: Cursor = ""  # may be absent at the end


@dataclass(frozen=True, slots=True)
class ContactTag:
    """A tag of members (not of customers)."""

    tagid: IdNumber
    tagname: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactTagMembers(Answer):
    """Who carries a member tag, as far as the app sees."""

    tagname: str = ""
    userlist: tuple[SimpleUser, ...]
    partylist: tuple[Number, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Departments(Answer):
    department: tuple[Department, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _DepartmentNodes(Answer):
    department_id: tuple[DepartmentNode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Department(Answer):
    department: Department


@dataclass(frozen=True, slots=True, kw_only=True)
class _UserAnswer(Answer, Row):
    userid: Id
    name: str = ""
    department: tuple[Number, ...] = field(kw_only=True)
    order: tuple[Number, ...] = ()
    position: str = ""
    mobile: str = ""
    gender: str = ""
    email: str = ""
    biz_mail: str = ""
    is_leader_in_dept: tuple[Number, ...] = ()
    direct_leader: tuple[str, ...] = ()
    telephone: str = ""
    alias: str = ""
    main_department: Annotated[Number, EXACT] = 0
    status: Number = 0
    external_position: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Users(Answer):
    userlist: tuple[User, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _SimpleUsers(Answer):
    userlist: tuple[SimpleUser, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ContactTags(Answer):
    taglist: tuple[ContactTag, ...]


def list_departments(
    client: WeComClient, department_id: int | None = None
) -> tuple[Department, ...]:
    """GET department/list (doc 90208): that department and all below, or all visible ones.

    Not paged, and slow for large trees.
    """
    return client.get("department/list", _Departments, {"id": department_id}).department


def list_department_nodes(
    client: WeComClient, department_id: int | None = None
) -> tuple[DepartmentNode, ...]:
    """GET department/simplelist (doc 95350): the tree without names. Not paged."""
    return client.get(
        "department/simplelist", _DepartmentNodes, {"id": department_id}
    ).department_id


def get_department(client: WeComClient, department_id: int) -> Department:
    """GET department/get (doc 95351). 60003 or 60123: unknown; 60011: out of scope."""
    return client.get("department/get", _Department, {"id": department_id}).department


def get_user(client: WeComClient, userid: str) -> User:
    """GET user/get (doc 90196). 60111: unknown or left; 60011: out of scope."""
    answer = client.get("user/get", _UserAnswer, {"userid": userid})
    return partly(User, answer.unread)(**{name: getattr(answer, name) for name in User.__slots__})


def list_users(
    client: WeComClient, department_id: int, *, fetch_child: bool = False
) -> tuple[User, ...]:
    """GET user/list (doc 90201): members of a department with all fields. Not paged.

    Args:
        client: the client.
        department_id: the department.
        fetch_child: also members of everything below (a legacy switch WeCom still obeys).

    Raises:
        WeComError: 45029 the answer is too large, ask for smaller departments; 60011 out of scope.
    """
    params = {"department_id": department_id, "fetch_child": int(fetch_child)}
    return client.get("user/list", _Users, params).userlist


def list_simple_users(
    client: WeComClient, department_id: int, *, fetch_child: bool = False
) -> tuple[SimpleUser, ...]:
    """GET user/simplelist (doc 90200): members with name and departments. Not paged."""
    params = {"department_id": department_id, "fetch_child": int(fetch_child)}
    return client.get("user/simplelist", _SimpleUsers, params).userlist


def list_user_ids(client: WeComClient, cursor: str = "", limit: int = 10_000) -> UserIdPage:
    """POST user/list_id (doc 96067): one page of (member, department) rows.

    Args:
        client: the client; needs the contact-sync secret, else 48002.
        cursor: "" for the first page.
        limit: rows at most, 1 to 10,000.
    """
    body = {"cursor": cursor or None, "limit": limit}
    return client.post("user/list_id", UserIdPage, body, write=False)


def iter_user_ids(client: WeComClient) -> Iterator[UserDepartment]:
    """All rows of user/list_id, page after page."""
    for page in pages("user/list_id", lambda cursor: list_user_ids(client, cursor)):
        yield from page.dept_user


def list_contact_tags(client: WeComClient) -> tuple[ContactTag, ...]:
    """GET tag/list (doc 90216): the member tags this app sees."""
    return client.get("tag/list", _ContactTags).taglist


def get_contact_tag(client: WeComClient, tagid: int) -> ContactTagMembers:
    """GET tag/get (doc 90213): who carries a member tag. 40068: unknown; 81011: not ours."""
    return client.get("tag/get", ContactTagMembers, {"tagid": tagid})
