"""Who may hand over and who may take over (doc 92125, 95703, 94081, 92127)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storeops.sandbox.clock import DAY
from storeops.sandbox.follows import GONE
from storeops.sandbox.handover.handovers import ON_JOB, RESIGNED, SHARED_CAPACITY, Handovers
from storeops.sandbox.handover.predictable import PredictableRefusal
from storeops.sandbox.organisation import DISABLED, LEFT, NOT_ACTIVATED, USERID, Member
from storeops.sandbox.refusals import Refusal

if TYPE_CHECKING:
    from storeops.sandbox.endpoints import Call


def former_owner(call: Call, kind: str) -> Member:
    """The member whose customers are to move: 41009, 40003, 60111, 60011, 40097, 40205."""
    member = _person(call, call.body.text("handover_userid"))
    now, year = call.now, call.settings.handover_year_days * DAY
    if kind == RESIGNED:
        if member.status != LEFT:
            raise PredictableRefusal(40097)
        if now - member.left_at > year:
            raise PredictableRefusal(40205)
        if member.last_login and member.left_at - member.last_login > year:
            raise _named_or_not(call, member, 40205)
        return member
    if member.status == LEFT:
        raise PredictableRefusal(call.settings.handover_left_errcode)
    if member.number not in call.scope.members:
        raise PredictableRefusal(60011)
    if member.last_login and now - member.last_login > year:
        raise _named_or_not(call, member, 40205)
    return member


def successor(call: Call, field: str = "takeover_userid") -> Member:
    """The member who is to take over; only what no settings make a per-customer answer."""
    member = _person(call, call.body.text(field))
    if member.status == LEFT:
        raise PredictableRefusal(60111)
    if member.number not in call.scope.members:
        raise PredictableRefusal(60011)
    return member


def _person(call: Call, userid: str) -> Member:
    if not userid:
        raise PredictableRefusal(41009)
    if not USERID.fullmatch(userid):
        raise PredictableRefusal(40003)
    member = call.corp.organisation.find(userid)
    if member is None:
        raise PredictableRefusal(60111)
    return member


def successor_fault(call: Call, member: Member) -> Refusal | None:
    """Why this member cannot take anybody: 41054, 40143, 84083, 40098, 40205."""
    if member.status == NOT_ACTIVATED:
        return PredictableRefusal(41054)
    if member.status == DISABLED:
        return PredictableRefusal(40143)
    if not member.customer_contact:
        return PredictableRefusal(84083)
    if not member.real_name:
        return _named_or_not(call, member, 40098)
    year = call.settings.handover_year_days * DAY
    if member.last_login and call.now - member.last_login > year:
        return _named_or_not(call, member, 40205)
    return None


def _named_or_not(call: Call, member: Member, errcode: int) -> Refusal:
    """A trouble no call shows: foreseeable only once an answer has named it.

    40205 does not say which of the two members is meant, so only the same pair is foreseeable.
    """
    predictable = call.corp.handovers.predictable
    who = str(member.number)
    if errcode == 40205:
        who = f"{call.body.text('handover_userid')}>{call.body.text('takeover_userid')}".lower()
    known = predictable.was_named(who, errcode)
    predictable.name_trouble(who, errcode)
    return PredictableRefusal(errcode) if known else Refusal(errcode)


def customer_fault(
    call: Call, kind: str, from_owner: Member, to_owner: Member, external_userid: str
) -> tuple[Refusal | None, int]:
    """Why this customer cannot move, or the relation that will: 40096, 40131, 84061, …"""
    corp, handovers, settings = call.corp, call.corp.handovers, call.settings
    row = corp.customers.find(external_userid)
    if row < 0:
        return PredictableRefusal(40096), -1
    follow = corp.follows.between(corp.customers, from_owner.number, row)
    if follow < 0:
        gone = _was_held(call, from_owner, row)
        return PredictableRefusal(settings.handover_gone_errcode if gone else 40131), -1
    running = handovers.running_attempt(row)
    if running is not None:
        code = settings.handover_running_errcode
        return (PredictableRefusal(code) if running.by_api else Refusal(code)), -1
    if kind == ON_JOB:
        recent = handovers.recent(row, call.now, settings)
        if len(recent) >= settings.handover_repeat_limit:
            ours = sum(a.by_api for a in recent) >= settings.handover_repeat_limit
            return (PredictableRefusal(40128) if ours else Refusal(40128)), -1
    if settings.handover_capacity in ("request", "both"):
        fault = _capacity_fault(call, handovers, to_owner, row)
        if fault is not None:
            return fault, -1
    return None, follow


def _was_held(call: Call, from_owner: Member, row: int) -> bool:
    follows = call.corp.follows
    follow = call.corp.customers.first_follow[row]
    while follow >= 0:
        if follows.member[follow] == from_owner.number and follows.flags[follow] & GONE:
            return True
        follow = follows.next_same[follow]
    return False


def _capacity_fault(call: Call, handovers: Handovers, to_owner: Member, row: int) -> Refusal | None:
    corp = call.corp
    if corp.follows.between(corp.customers, to_owner.number, row) >= 0:
        return None  # already a friend: needs no room
    held = len(corp.held_by(to_owner))
    if call.settings.handover_capacity_counts_waiting:
        held += handovers.waiting_for[to_owner.number]
    if held < to_owner.capacity:
        return None
    most = handovers.predictable.named.get((str(to_owner.number), 40099))
    known = held >= max(SHARED_CAPACITY, to_owner.capacity) or (most is not None and held >= most)
    return PredictableRefusal(40099) if known else Refusal(40099)
