"""Contacts (通讯录): departments, members and member tags; reads only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from storeops.wecom.envelope import Response
from storeops.wecom.fields import EXACT, DecodedRow, Id, IdNumber, Number, partly

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient

LEFT = 5  # `status` of a member who left (doc 90196)


@dataclass(frozen=True, slots=True)
class Department(DecodedRow):
    """A department as department/list and department/get tell it."""

    always_sent: ClassVar[Collection[str]] = ("name", "parentid", "order")
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
class User(DecodedRow):
    """A member as user/get and user/list tell it; what the app may not see is empty."""

    always_sent: ClassVar[Collection[str]] = ("name",)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Departments(Response):
    department: tuple[Department, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _DepartmentNodes(Response):
    department_id: tuple[DepartmentNode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _UserResponse(Response, DecodedRow):
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
class _Users(Response):
    userlist: tuple[User, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _SimpleUsers(Response):
    userlist: tuple[SimpleUser, ...]


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


def get_user(client: WeComClient, userid: str) -> User:
    """GET user/get (doc 90196). 60111: unknown or left; 60011: out of scope."""
    answer = client.get("user/get", _UserResponse, {"userid": userid})
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
