"""Codes about customers, their members and handover (06 §1.4)."""

from __future__ import annotations

from storeops.i18n import N_
from storeops.wecom.codes.advice import ALERT, CUSTOMERS, ENABLE_MEMBER, GROUPS, REPORT, WAIT
from storeops.wecom.errcodes import CodeRow, Kind, Retry

ROWS = (
    CodeRow(
        40096,
        Retry.NEVER,
        Kind.NOT_FOUND,
        N_("the customer id is not valid, belongs to another corp, or is out of scope"),
        CUSTOMERS,
    ),
    CodeRow(
        40097,
        Retry.NEVER,
        Kind.CONFLICT,
        N_("the member has not left"),
        N_("Use the handover on the job."),
    ),
    CodeRow(
        40098,
        Retry.NEVER,
        Kind.CONFLICT,
        N_("the member has not verified their real name"),
        N_("Ask the member to verify their real name in WeCom."),
    ),
    CodeRow(
        40099,
        Retry.NEVER,
        Kind.LIMIT,
        N_("the successor cannot take more customers"),
        N_("Choose another successor."),
    ),
    CodeRow(40100, Retry.STATE, Kind.CONFLICT, N_("this customer is being handed over"), WAIT),
    CodeRow(
        40126,
        Retry.NEVER,
        Kind.LIMIT,
        N_("the tag library is full"),
        N_("Delete tags that nobody uses."),
    ),
    CodeRow(
        40128,
        Retry.NEVER,
        Kind.LIMIT,
        N_("this customer was already handed over twice within 90 days"),
        N_("Plan it again when the 90 days are over."),
    ),
    CodeRow(
        40129, Retry.STATE, Kind.CONFLICT, N_("a handover of this customer is under way"), WAIT
    ),
    CodeRow(
        40130,
        Retry.NEVER,
        Kind.REQUEST,
        N_("the owner and the successor are the same"),
        N_("Choose another successor."),
    ),
    CodeRow(
        40131,
        Retry.NEVER,
        Kind.NOT_FOUND,
        N_("the handing-over member does not follow this customer"),
        CUSTOMERS,
    ),
    CodeRow(40132, Retry.NEVER, Kind.CONFLICT, N_("this is not possible for team accounts"), ALERT),
    CodeRow(
        40143,
        Retry.NEVER,
        Kind.CONFLICT,
        N_("one of the two members is banned"),
        N_("Ask the administrator which member is banned."),
    ),
    CodeRow(40165, Retry.NEVER, Kind.CONFLICT, N_("the group's id is already upgraded"), GROUPS),
    CodeRow(40166, Retry.NEVER, Kind.CONFLICT, N_("the group's id is not yet upgraded"), GROUPS),
    CodeRow(
        40204,
        Retry.NEVER,
        Kind.LIMIT,
        N_("WeChat stopped it as spam"),
        N_("Pause, and ask the administrator before going on."),
    ),
    CodeRow(
        40205,
        Retry.NEVER,
        Kind.CONFLICT,
        N_("the member has not logged in for a year"),
        N_("Ask the member to log in to WeCom with WeChat."),
    ),
    CodeRow(41035, Retry.NEVER, Kind.REQUEST, N_("the customer id is missing"), REPORT),
    CodeRow(
        41054,
        Retry.NEVER,
        Kind.CONFLICT,
        N_("the member has not activated WeCom"),
        N_("Ask the member to activate WeCom."),
    ),
    CodeRow(
        41056, Retry.NEVER, Kind.REQUEST, N_("the customer id is of the wrong kind"), CUSTOMERS
    ),
    CodeRow(
        41057,
        Retry.NEVER,
        Kind.ACCESS,
        N_("no WeChat developer account is bound"),
        N_("Bind a WeChat developer account in the WeCom console."),
    ),
    CodeRow(
        43004,
        Retry.NEVER,
        Kind.CONFLICT,
        N_("the member has not bound WeChat"),
        N_("Ask the member to bind WeChat."),
    ),
    CodeRow(
        84061,
        Retry.STATE,
        Kind.NOT_FOUND,
        N_("the customer is not, or no longer, a customer of this member"),
        CUSTOMERS,
    ),
    CodeRow(
        84074,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the member may not use customer contact"),
        ENABLE_MEMBER,
    ),
    CodeRow(
        84083, Retry.NEVER, Kind.ACCESS, N_("the member is not a service member"), ENABLE_MEMBER
    ),
    CodeRow(
        84084,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the member does not follow customers or is out of scope"),
        ENABLE_MEMBER,
    ),
    CodeRow(
        610004, Retry.STATE, Kind.NOT_FOUND, N_("this is not a customer of the corp"), CUSTOMERS
    ),
    CodeRow(
        610014, Retry.NEVER, Kind.REQUEST, N_("the unionid is not valid"), N_("Check the unionid.")
    ),
    CodeRow(
        610015, Retry.NEVER, Kind.ACCESS, N_("the open-platform account is not verified"), ALERT
    ),
    CodeRow(610016, Retry.NEVER, Kind.ACCESS, N_("the corp is not verified for this"), ALERT),
    CodeRow(
        610017,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the open-platform account and the corp have different owners"),
        ALERT,
    ),
    CodeRow(
        610018,
        Retry.NEVER,
        Kind.REQUEST,
        N_("openid and unionid belong to different accounts"),
        N_("Take both from the same account."),
    ),
)
