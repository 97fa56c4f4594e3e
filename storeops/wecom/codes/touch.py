"""Codes about contact ways, welcome words and messages to customers (06 §1.4)."""

from __future__ import annotations

from storeops.i18n import N_
from storeops.wecom.codes.advice import BUG, STAFF
from storeops.wecom.errcodes import CodeRow, Kind, Retry

ROWS = (
    CodeRow(
        40201,
        Retry.NEVER,
        Kind.REQUEST,
        N_("the text is blocked as sensitive"),
        N_("Change the words and try again."),
    ),
    CodeRow(41037, Retry.NEVER, Kind.REQUEST, N_("the contact way's type is missing"), BUG),
    CodeRow(41038, Retry.NEVER, Kind.REQUEST, N_("the contact way's type is not valid"), BUG),
    CodeRow(
        41039, Retry.NEVER, Kind.REQUEST, N_("the contact way's scene is missing or not valid"), BUG
    ),
    CodeRow(41040, Retry.NEVER, Kind.REQUEST, N_("the contact way's style is not valid"), BUG),
    CodeRow(
        41042,
        Retry.NEVER,
        Kind.REQUEST,
        N_("the contact way's members are missing or not valid"),
        STAFF,
    ),
    CodeRow(
        41044,
        Retry.NEVER,
        Kind.NOT_FOUND,
        N_("the contact way does not exist"),
        N_("Choose a present contact way."),
    ),
    CodeRow(
        41045,
        Retry.NEVER,
        Kind.LIMIT,
        N_("the corp cannot have more contact ways"),
        N_("Delete contact ways that nobody uses."),
    ),
    CodeRow(
        41048,
        Retry.STATE,
        Kind.CONFLICT,
        N_("there is nobody to send to"),
        N_("Choose other customers."),
    ),
    CodeRow(41049, Retry.NEVER, Kind.REQUEST, N_("the welcome code is missing"), BUG),
    CodeRow(
        41050,
        Retry.NEVER,
        Kind.CONFLICT,
        N_("the welcome code is used or too old"),
        N_("Welcome words must be sent within 20 seconds."),
    ),
    CodeRow(
        41051,
        Retry.STATE,
        Kind.CONFLICT,
        N_("the chat has begun, so no welcome words are sent"),
        N_("Nothing to do."),
    ),
    CodeRow(
        41052,
        Retry.NEVER,
        Kind.REQUEST,
        N_("the time of sending is not valid"),
        N_("Choose a time in the near future."),
    ),
    CodeRow(
        41053,
        Retry.STATE,
        Kind.CONFLICT,
        N_("the customer did not agree to archiving"),
        N_("Nothing to do."),
    ),
    CodeRow(
        41055,
        Retry.NEVER,
        Kind.LIMIT,
        N_("the corp cannot have more welcome templates"),
        N_("Delete templates that nobody uses."),
    ),
    CodeRow(
        41058,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the welcome template belongs to another app"),
        N_("Change it with the app that made it."),
    ),
    CodeRow(
        41062,
        Retry.STATE,
        Kind.CONFLICT,
        N_("the member has not published the moment yet"),
        N_("Wait until the member has published it."),
    ),
    CodeRow(
        41063,
        Retry.BACK_OFF,
        Kind.CONFLICT,
        N_("the group message is still being sent out"),
        N_("Try again in some minutes."),
    ),
    CodeRow(
        41096,
        Retry.STATE,
        Kind.CONFLICT,
        N_("welcome words are already being sent"),
        N_("Nothing to do."),
    ),
)
