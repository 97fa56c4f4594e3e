"""Checks of takers: who may take over, and how many customers they may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storeops.changes.action import READY, Verdict, blocked
from storeops.domains.handover import rules
from storeops.domains.handover.attempts import EarlierRefusal
from storeops.i18n import _
from storeops.mirror.members import Member
from storeops.times import day
from storeops.wecom.errcodes import ErrorCondition

_NOT_ACTIVATED, _DISABLED = 4, 2  # staff.wecom_status
# what an answer may say of a taker
_HIDDEN = (ErrorCondition.NOT_VERIFIED, ErrorCondition.IDLE, ErrorCondition.TAKER_UNFIT)


def capacities(
    params: Mapping[str, Any],
    troubles: Mapping[str, Mapping[ErrorCondition, EarlierRefusal]],
    userids: Sequence[str],
) -> dict[str, int]:
    """How many customers each member may hold, by lower-cased userid.

    What the planner was told counts first, then what an answer showed, then WeCom's own number.
    """
    own = {str(k).lower(): int(v) for k, v in dict(params.get("capacity_of") or {}).items()}
    general = params.get("capacity")
    found: dict[str, int] = {}
    for userid in userids:
        key = userid.lower()
        told = troubles.get(key, {}).get(ErrorCondition.TAKER_FULL)
        if key in own:
            found[key] = own[key]
        elif told is not None:
            found[key] = min(told.held, int(general or rules.CAPACITY))
        else:
            found[key] = int(general or rules.CAPACITY)
    return found


def verdict(
    member: Member | None, userid: str, told: Mapping[ErrorCondition, EarlierRefusal]
) -> Verdict:
    """Whether a member may take over; `told` holds what earlier answers complained about."""
    if member is None:
        return blocked(
            "taker_unknown",
            _("The mirror knows no member {member}.").format(member=userid),
            errcode=60111,
            way_out=_("Run `storeops sync run` if the member is new."),
        )
    who = member.label
    if member.left:
        return blocked(
            "taker_left", _("{member} has left.").format(member=who), errcode=60111,
            way_out=_("Choose somebody else."),
        )  # fmt: skip
    if member.status != "active":
        return blocked(
            "taker_out_of_scope",
            _("{member} is not in the app's visible scope.").format(member=who),
            errcode=60011,
            way_out=_("Widen the app's visible scope in the admin console, then sync."),
        )
    if member.wecom_status == _NOT_ACTIVATED:
        return blocked(
            "taker_not_activated",
            _("{member} has not activated WeCom yet.").format(member=who),
            errcode=41054,
            way_out=_("Let them log in to WeCom once, then sync."),
        )
    if member.wecom_status == _DISABLED:
        return blocked(
            "taker_disabled",
            _("{member}'s account is disabled.").format(member=who),
            errcode=40143,
            way_out=_("Enable the account in the admin console, or choose somebody else."),
        )
    if not member.is_follow_user:
        return blocked(
            "taker_no_contact",
            _("{member} has no customer contact.").format(member=who),
            errcode=84083,
            way_out=_("Add them under Customer Contact in the admin console, then sync."),
        )
    for condition in _HIDDEN:
        if condition in told:
            return _refused_before(who, condition, told[condition])
    return READY


def _refused_before(who: str, condition: ErrorCondition, trouble: EarlierRefusal) -> Verdict:
    when = day(trouble.at)
    if condition is ErrorCondition.NOT_VERIFIED:
        reason = _("{member} had not verified their real name when WeCom was asked on {day}.")
        way_out = _("Let them verify it in WeCom, then plan again with --recheck.")
    elif condition is ErrorCondition.IDLE:
        reason = _("{member} had not logged in for a year when WeCom was asked on {day}.")
        way_out = _("Let them log in, then plan again with --recheck.")
    else:
        reason = _("WeCom refused {member} as a taker on {day}.")
        way_out = _("Put it right in the admin console, then plan again with --recheck.")
    return blocked(
        "taker_refused", reason.format(member=who, day=when), errcode=trouble.errcode,
        way_out=way_out,
    )  # fmt: skip
