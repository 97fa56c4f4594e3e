"""Members, writes: only the contact-sync secret may."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from storeops.sandbox.body import Body
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.organisation import (
    ACTIVE,
    DISABLED,
    LEFT,
    NOT_ACTIVATED,
    USERID,
    Department,
    Member,
)
from storeops.sandbox.refusals import Refusal, parameter

if TYPE_CHECKING:
    from storeops.sandbox.corp import Corp
    from storeops.sandbox.settings import Settings

_MOBILE = re.compile(r"\+?[0-9]{5,20}")
_EMAIL = re.compile(r"[^@\s]{1,58}@[^@\s]+\.[^@\s]+")
_WAITING = "待设置部门"
_ATTRIBUTES = {
    0: ("text", ("value",)),
    1: ("web", ("url", "title")),
    2: ("miniprogram", ("appid", "pagepath", "title")),
}
_LIMITS = {"position": 128, "address": 128, "alias": 64, "telephone": 32, "external_position": 12}


def _fill(call: Call, member: Member) -> None:
    """Take the given fields of a body into a copy of a member, checking each."""
    body, organisation = call.body, call.corp.organisation
    name = body.text_or_none("name")
    if name is not None:
        if not 1 <= len(name) <= 64:
            raise Refusal(60112)
        member.name = name
    for field, limit in _LIMITS.items():
        text = body.text_or_none(field)
        if text is not None:
            if len(text) > limit:
                raise parameter(field, f"exceed max utf8 words {limit}")
            setattr(member, field, text)
    others = [m for m in organisation.members if m.number != member.number and m.status != LEFT]
    if mobile := body.text("mobile"):
        if not _MOBILE.fullmatch(mobile):
            raise Refusal(60103)
        for other in others:
            if other.mobile == mobile:
                raise Refusal(60104, f"mobile existed:{other.userid}")
        member.mobile = mobile
    if email := body.text("email"):
        if not _EMAIL.fullmatch(email):
            raise Refusal(60105)
        if any(m.email == email for m in others):
            raise Refusal(60106)
        member.email = email
    gender = body.text_or_none("gender")
    if gender is not None:
        if gender not in ("0", "1", "2"):
            raise parameter("gender", "must be 1 or 2")
        member.gender = gender
    enable = body.flag_or_none("enable")
    if enable is False:
        member.status = DISABLED
    elif enable and member.status == DISABLED:
        member.status = ACTIVE
    member.hide_mobile = body.flag("hide_mobile", member.hide_mobile)
    leaders = body.texts_or_none("direct_leader")
    if leaders is not None:
        if len(leaders) > call.settings.direct_leader_cap:
            raise Refusal(60257)
        if any(organisation.present(u) is None for u in leaders):
            raise Refusal(60111)
        member.direct_leader = leaders
    extattr = body.object_or_none("extattr")
    if extattr is not None:
        member.attrs = _attributes(extattr, "attrs")
    profile = body.object_or_none("external_profile")
    if profile is not None:
        member.external_profile = _profile(profile)


def _attributes(body: Body, name: str) -> list[dict[str, Any]]:
    """Own fields of a member: type 0 text, 1 web page, 2 mini-program."""
    found: list[dict[str, Any]] = []
    for row in body.objects(name):
        kind = row.number("type")
        if kind not in _ATTRIBUTES:
            raise parameter(f"{name}.type", "must be between 0 and 2")
        field, parts = _ATTRIBUTES[kind]
        inner = row.object(field)
        values = {part: inner.text(part) for part in parts}
        found.append({"type": kind, "name": row.text("name"), field: values})
    return found


def _profile(body: Body) -> dict[str, Any]:
    """What outsiders see of a member (doc 90195)."""
    profile: dict[str, Any] = {
        "external_corp_name": body.text("external_corp_name"),
        "external_attr": _attributes(body, "external_attr"),
    }
    channels = body.object_or_none("wechat_channels")
    if channels is not None:
        status = channels.number("status", 1)
        profile["wechat_channels"] = {"nickname": channels.text("nickname"), "status": status}
    return profile


def _place(call: Call, member: Member, departments: list[int]) -> None:
    """Departments with order and leadership, which must be as long."""
    body = call.body
    if len(departments) > 100:
        raise Refusal(60110)
    member.department = departments
    member.order, member.is_leader = [0] * len(departments), [0] * len(departments)
    for name, kept in (("order", member.order), ("is_leader_in_dept", member.is_leader)):
        values = body.numbers_or_none(name)
        if values is not None:
            if len(values) != len(departments):
                raise Refusal(60132)
            kept[:] = values
    main = body.number("main_department", departments[0])
    if main not in departments:
        raise parameter("main_department", "is not one of department")
    member.main_department = main


def _departments(call: Call) -> tuple[list[int], list[Department]]:
    """Known departments of the body, and those that creating the member would make."""
    organisation = call.corp.organisation
    wanted = list(dict.fromkeys(call.body.numbers("department")))
    missing = [d for d in wanted if d not in organisation.departments]
    if missing and not call.settings.create_missing_departments:
        raise Refusal(60123)
    return wanted, [Department(d, f"部门{d}", 1, 0) for d in missing]


@endpoint("user/create", Need.CONTACT_SYNC)
def user_create(call: Call) -> Answer:
    """doc 90195. Without a department the member waits in one of its own."""
    body, corp = call.body, call.corp
    organisation, userid = corp.organisation, call.body.text("userid")
    if not userid:
        raise Refusal(41009)
    if not USERID.fullmatch(userid):
        raise Refusal(40003)
    old = organisation.find(userid)
    if old is not None and old.status != LEFT:
        raise Refusal(60102)
    if not body.text("name"):
        raise Refusal(60112)
    if body.given("department") and not body.numbers("department"):
        raise Refusal(40066)
    if not body.text("mobile") and not body.text("email"):
        raise Refusal(60129)
    if sum(m.status != LEFT for m in organisation.members) >= call.settings.head_count_cap:
        raise Refusal(45024)
    wanted, missing = _departments(call)
    member = Member(userid, "", len(organisation.members), [], [], [], status=NOT_ACTIVATED)
    member.customer_contact = False
    _fill(call, member)
    waiting = None
    if not wanted:
        waiting = next((d for d in organisation.departments.values() if d.name == _WAITING), None)
        if waiting is None:
            waiting = Department(max(organisation.departments) + 1, _WAITING, 1, 0)
        wanted = [waiting.id]
    _place(call, member, wanted)
    for department in (*missing, *([waiting] if waiting else [])):
        organisation.departments[department.id] = department
    corp.follows.add_member()
    organisation.add_member(member)
    if missing:
        made = [{"name": d.name, "id": d.id} for d in missing]
        return Answer.of("created", created_department_list={"department_info": made})
    return Answer.of("created")


@endpoint("user/update", Need.CONTACT_SYNC)
def user_update(call: Call) -> Answer:
    """doc 90197: everything is checked on a copy before anything changes."""
    member = call.member(call.body.text("userid"))
    organisation = call.corp.organisation
    copy = dataclasses.replace(member)
    _fill(call, copy)
    if call.body.given("department"):
        wanted, missing = _departments(call)
        if not wanted:
            raise Refusal(40066)
        _place(call, copy, wanted)
        for department in missing:
            organisation.departments[department.id] = department
    elif any(
        call.body.numbers_or_none(name) is not None for name in ("order", "is_leader_in_dept")
    ):
        _place(call, copy, list(member.department))
    renamed = call.body.text("new_userid")
    if renamed and renamed != member.userid:
        check_new_userid(call.corp, call.settings, member, renamed)
    for field in dataclasses.fields(Member):
        setattr(member, field.name, getattr(copy, field.name))
    organisation.touch()
    if renamed and renamed != member.userid:
        call.corp.change_userid(member, renamed)
    return Answer.of("updated")


def check_new_userid(corp: Corp, settings: Settings, member: Member, userid: str) -> None:
    """Whether the member can be given that userid: 40003, 60102, or changed too often."""
    if not USERID.fullmatch(userid):
        raise Refusal(40003)
    taken = corp.organisation.present(userid)
    if taken is not None and taken is not member:
        raise Refusal(60102)
    if member.userid_changes >= settings.userid_changes:
        raise parameter("new_userid", "can be changed once only")


@endpoint("user/delete", Need.CONTACT_SYNC, body=False)
def user_delete(call: Call) -> Answer:
    """doc 90198: not the creator of the corp."""
    member = call.member(call.query.get("userid", ""))
    if member.number == 0:
        raise Refusal(301005)
    call.corp.leave(member)
    return Answer.of("deleted")


@endpoint("user/batchdelete", Need.CONTACT_SYNC)
def user_batchdelete(call: Call) -> Answer:
    """doc 90199: up to 200, all or nobody."""
    userids = call.body.texts("useridlist")
    if not 1 <= len(userids) <= 200:
        raise parameter("useridlist", "must hold 1 to 200 elements")
    members = [call.member(u) for u in dict.fromkeys(userids)]
    if any(m.number == 0 for m in members):
        raise Refusal(301005)
    for member in members:
        call.corp.leave(member)
    return Answer.of("deleted")
