"""Codes about group chats (06 §1.5)."""

from __future__ import annotations

from storeops.i18n import N_
from storeops.wecom.codes.advice import GROUPS
from storeops.wecom.errcodes import CodeRow, Kind, Retry

ROWS = (
    CodeRow(49008, Retry.STATE, Kind.NOT_FOUND, N_("the group chat was dissolved"), GROUPS),
    CodeRow(86001, Retry.NEVER, Kind.REQUEST, N_("the chat id is not valid"), GROUPS),
    CodeRow(86003, Retry.NEVER, Kind.NOT_FOUND, N_("the chat does not exist"), GROUPS),
    CodeRow(
        90500,
        Retry.NEVER,
        Kind.CONFLICT,
        N_("the group's owner has not left"),
        N_("Use the handover on the job for this group."),
    ),
    CodeRow(90501, Retry.NEVER, Kind.CONFLICT, N_("this is not a customer group"), GROUPS),
    CodeRow(
        90502,
        Retry.NEVER,
        Kind.CONFLICT,
        N_("the group's owner has left"),
        N_("Use the handover after leaving for this group."),
    ),
    CodeRow(
        90503,
        Retry.NEVER,
        Kind.CONFLICT,
        N_("the group is full and must be confirmed in the WeCom client"),
        N_("Ask the new owner to confirm it in the client."),
    ),
    CodeRow(
        90504,
        Retry.STATE,
        Kind.CONFLICT,
        N_("the group has this owner already"),
        N_("Nothing to do."),
    ),
    CodeRow(
        90507,
        Retry.STATE,
        Kind.CONFLICT,
        N_("the group's handover is under way"),
        N_("Wait and look at the group again."),
    ),
    CodeRow(
        90508,
        Retry.STATE,
        Kind.CONFLICT,
        N_("the group is already handed over"),
        N_("Nothing to do."),
    ),
    CodeRow(
        90509,
        Retry.NEVER,
        Kind.CONFLICT,
        N_("this is no customer group that could be handed over"),
        GROUPS,
    ),
    CodeRow(
        90510,
        Retry.NEVER,
        Kind.CONFLICT,
        N_("nobody in the group was active within a year"),
        N_("Nothing can be done for this group."),
    ),
    CodeRow(
        90511,
        Retry.NEVER,
        Kind.NOT_FOUND,
        N_("the group's WeChat id is unknown or not valid"),
        N_("Check the id."),
    ),
)
