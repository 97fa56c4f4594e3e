"""Departments, members, apps and what an app may see."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from storeops.sandbox.jsontext import dumps

ACTIVE, DISABLED, NOT_ACTIVATED, LEFT = 1, 2, 4, 5
_NO_PROFILE = {"external_corp_name": "", "external_attr": []}
USERID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-@.]{0,63}")


@dataclasses.dataclass(slots=True)
class Department:
    """One node of the tree; the root has id 1 and parent 0."""

    id: int
    name: str
    parentid: int
    order: int
    name_en: str = ""
    leaders: list[str] = dataclasses.field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The six fields of department/list."""
        return {
            "id": self.id,
            "name": self.name,
            "name_en": self.name_en,
            "department_leader": list(self.leaders),
            "parentid": self.parentid,
            "order": self.order,
        }


@dataclasses.dataclass(slots=True)
class Member:
    """One employee, present or gone. `number` is the row in Follows.held."""

    userid: str
    name: str
    number: int
    department: list[int]
    order: list[int]
    is_leader: list[int]
    position: str = ""
    mobile: str = ""
    email: str = ""
    gender: str = "0"
    alias: str = ""
    telephone: str = ""
    address: str = ""
    direct_leader: list[str] = dataclasses.field(default_factory=list)
    main_department: int = 0
    external_position: str = ""
    attrs: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    status: int = ACTIVE
    customer_contact: bool = True
    real_name: bool = True
    last_login: int = 0
    left_at: int = 0  # dimission_time, Unix seconds; 0 while present
    external_profile: dict[str, Any] = dataclasses.field(default_factory=dict)
    hide_mobile: bool = False
    capacity: int = 20_000  # customers this member may hold
    userid_changes: int = 0  # how often the userid was changed

    def as_json(self, personal: bool) -> dict[str, Any]:
        """A user object of user/get and user/list.

        `personal` are the fields that apps made since 2022-06-20 never get; enable, isleader and
        hide_mobile are older than is_leader_in_dept, and live answers still carry them.
        """
        leads = dict(zip(self.department, self.is_leader, strict=False))
        row: dict[str, Any] = {
            "userid": self.userid,
            "name": self.name,
            "department": list(self.department),
            "order": list(self.order),
            "position": self.position,
        }
        if personal:
            row |= {"mobile": self.mobile, "email": self.email, "biz_mail": ""}
            row["gender"] = self.gender
        row |= {
            "is_leader_in_dept": list(self.is_leader),
            "direct_leader": list(self.direct_leader),
        }
        if personal:
            face = f"https://avatar.example.test/{self.userid}"
            row |= {"avatar": f"{face}/0", "thumb_avatar": f"{face}/100", "qr_code": f"{face}/qr"}
            row["address"] = self.address
        return row | {
            "telephone": self.telephone,
            "alias": self.alias,
            "enable": int(self.status != DISABLED),
            "isleader": leads.get(self.main_department, 0),
            "hide_mobile": int(self.hide_mobile),
            "status": self.status,
            "main_department": self.main_department,
            "extattr": {"attrs": list(self.attrs)},
            "external_position": self.external_position,
            "external_profile": self.external_profile or dict(_NO_PROFILE),
        }


@dataclasses.dataclass(slots=True)
class App:
    """One caller: a self-built app, or the contact-sync helper (agent_id 0)."""

    agent_id: int
    name: str
    secret: str
    customers: bool  # listed under 客户联系 → 可调用接口的应用
    scope_departments: list[int]
    scope_members: list[str] = dataclasses.field(default_factory=list)
    hidden_members: list[str] = dataclasses.field(default_factory=list)
    contact_sync: bool = False
    disabled: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """What one app sees right now."""

    departments: frozenset[int]
    members: frozenset[int]  # member numbers, present ones only
    whole: bool


class Organisation:
    """The tree of departments with its members. Every change goes with `touch()`."""

    def __init__(self) -> None:
        self.departments: dict[int, Department] = {}
        self.members: list[Member] = []
        self.by_userid: dict[str, Member] = {}  # lower-cased: userids ignore case
        self.version = 0
        self._seen_version = -1
        self._children: dict[int, list[int]] = {}
        self._people: dict[int, list[Member]] = {}
        self._scopes: dict[int, Scope] = {}
        self._user_json: dict[tuple[int, bool], bytes] = {}

    def touch(self) -> None:
        """Something about departments, members or apps changed."""
        self.version += 1

    def find(self, userid: str) -> Member | None:
        """The member of that userid, present or gone."""
        return self.by_userid.get(userid.lower())

    def present(self, userid: str) -> Member | None:
        """The member of that userid unless they left."""
        member = self.find(userid)
        return None if member is None or member.status == LEFT else member

    def add_member(self, member: Member) -> None:
        """Take somebody in; the number must be the next one."""
        assert member.number == len(self.members)
        self.members.append(member)
        self.by_userid[member.userid.lower()] = member
        self.touch()

    def children(self, department: int) -> list[int]:
        """Ids directly below, larger order first."""
        self._refresh()
        return self._children.get(department, [])

    def subtree(self, department: int) -> list[int]:
        """This department and everything below it, parents first."""
        self._refresh()
        found = [department]
        for node in found:
            found.extend(self._children.get(node, ()))
        return found

    def people(self, department: int) -> list[Member]:
        """Present members directly in that department."""
        self._refresh()
        return self._people.get(department, [])

    def user_json(self, member: Member, personal: bool) -> bytes:
        """The encoded user object."""
        self._refresh()
        key = (member.number, personal)
        text = self._user_json.get(key)
        if text is None:
            text = self._user_json[key] = dumps(member.as_json(personal))
        return text

    def scope(self, app: App) -> Scope:
        """Departments and members the app sees."""
        self._refresh()
        scope = self._scopes.get(app.agent_id)
        if scope is None:
            scope = self._scopes[app.agent_id] = self._scope(app)
        return scope

    def _scope(self, app: App) -> Scope:
        departments: set[int] = set()
        for node in app.scope_departments:
            if node in self.departments:
                departments.update(self.subtree(node))
        named = {u.lower() for u in app.scope_members}
        hidden = {u.lower() for u in app.hidden_members}
        members = frozenset(
            m.number
            for m in self.members
            if m.status != LEFT
            and m.userid.lower() not in hidden
            and (m.userid.lower() in named or not departments.isdisjoint(m.department))
        )
        return Scope(frozenset(departments), members, 1 in app.scope_departments)

    def _refresh(self) -> None:
        if self._seen_version == self.version:
            return
        self._seen_version = self.version
        self._scopes = {}
        self._user_json = {}
        self._children = {}
        for department in sorted(self.departments.values(), key=lambda d: (-d.order, d.id)):
            self._children.setdefault(department.parentid, []).append(department.id)
        self._people = {}
        for member in self.members:
            if member.status != LEFT:
                for node in member.department:
                    self._people.setdefault(node, []).append(member)
