"""Handover of customer group chats (doc 95703, 92127)."""

from __future__ import annotations

from storeops.sandbox.clock import DAY
from storeops.sandbox.customers import WECHAT
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.groups import GroupChat
from storeops.sandbox.handover.groups import INHERITED, RUNNING
from storeops.sandbox.handover.predictable import PredictableRefusal
from storeops.sandbox.handover.rules import successor, successor_fault
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.organisation import LEFT, Member
from storeops.sandbox.refusals import Refusal

_MOST = 100


def _wechat_members(call: Call, group: GroupChat) -> int:
    """WeChat users in the group; strangers count, WeCom users do not."""
    kinds = call.corp.customers.kind
    return sum(s.kind == 2 and (s.who < 0 or kinds[s.who] == WECHAT) for s in group.seats)


def _fault(call: Call, group: GroupChat | None, to_owner: Member, resigned: bool) -> Refusal | None:
    """Why this group cannot move."""
    settings, now = call.settings, call.now
    if group is None:
        return PredictableRefusal(40050)
    if group.dissolved:
        return PredictableRefusal(49008)
    moves = call.corp.handovers.groups
    owner = call.corp.organisation.members[moves.owner_now(group)]
    if resigned:
        if group.status == RUNNING:
            return PredictableRefusal(90507)
        if group.status == INHERITED:
            return PredictableRefusal(90508)
        if owner.status != LEFT:
            return PredictableRefusal(90500)
        if now - owner.left_at > settings.handover_year_days * DAY:
            return PredictableRefusal(40205)
    else:
        if owner.status == LEFT:
            return PredictableRefusal(90502)
        if owner.number not in call.scope.members:
            return PredictableRefusal(60011)
        if owner is to_owner:
            return PredictableRefusal(90504)
        if owner.last_login and now - owner.last_login > settings.handover_year_days * DAY:
            predictable = call.corp.handovers.predictable
            known = predictable.was_named(str(owner.number), 90510)
            predictable.name_trouble(str(owner.number), 90510)
            return PredictableRefusal(90510) if known else Refusal(90510)
        recent = moves.recent(group.chat_id, now, settings.handover_repeat_days)
        if recent >= settings.handover_repeat_limit:
            return PredictableRefusal(settings.group_repeat_errcode)
    if _wechat_members(call, group) >= settings.group_full_members:
        return PredictableRefusal(90503)
    per_pair = settings.group_daily_counts == "pair"
    taken = moves.taken_today(owner.number, to_owner.number, now, per_pair)
    if taken >= settings.group_daily_limit:
        return PredictableRefusal(settings.group_daily_errcode)
    return None


def _transfer(call: Call, resigned: bool) -> Answer:
    corp, settings = call.corp, call.settings
    predictable = corp.handovers.predictable
    ids = call.body.texts("chat_id_list")
    try:
        if not 1 <= len(ids) <= _MOST:
            raise PredictableRefusal(
                40058, "chat_id_list size must be 1 to 100. invalid Request Parameter"
            )
        to_owner = successor(call, "new_owner")
        trouble = successor_fault(call, to_owner)
        if trouble is not None:
            raise trouble
    except Refusal as refusal:
        known = isinstance(refusal, PredictableRefusal)
        subject = f"→ {call.body.text('new_owner')}"
        predictable.note(call.path, refusal.errcode, max(1, len(ids)), known, subject)
        raise
    failed: list[bytes] = []
    for chat_id in ids:
        group = corp.groups.get(chat_id)
        fault = _fault(call, group, to_owner, resigned)
        if fault is None:
            assert group is not None
            corp.handovers.groups.begin(corp, settings, group, to_owner, call.now, resigned)
            continue
        predictable.note(
            call.path, fault.errcode, 1, isinstance(fault, PredictableRefusal), chat_id
        )
        failed.append(dumps({"chat_id": chat_id, "errcode": fault.errcode, "errmsg": fault.text}))
    if not failed and settings.group_failed_list == "absent":
        return Answer()
    return Answer({"failed_chat_list": failed})


@endpoint("externalcontact/groupchat/onjob_transfer", Need.CUSTOMERS)
def onjob_transfer(call: Call) -> Answer:
    """doc 95703: at once; the list holds the failures only."""
    return _transfer(call, resigned=False)


@endpoint("externalcontact/groupchat/transfer", Need.CUSTOMERS)
def transfer(call: Call) -> Answer:
    """doc 92127: for owners who left; the status goes 1 → 2 → 3."""
    return _transfer(call, resigned=True)
