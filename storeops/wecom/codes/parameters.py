"""Codes about parameters (06 §1.2)."""

from __future__ import annotations

from storeops.i18n import N_
from storeops.wecom.codes.advice import (
    BUG,
    DEPARTMENTS,
    GROUPS,
    PROVIDER,
    REPORT,
    SCOPE,
    SPLIT,
    STAFF,
)
from storeops.wecom.errcodes import CodeRow, Kind, Retry

ROWS = (
    CodeRow(
        40003,
        Retry.NEVER,
        Kind.NOT_FOUND,
        N_("the member is unknown, has left, or the userid is malformed"),
        STAFF,
    ),
    CodeRow(
        40007,
        Retry.NEVER,
        Kind.REQUEST,
        N_("the media file is unknown or too old"),
        N_("Upload the file again."),
    ),
    CodeRow(40031, Retry.NEVER, Kind.REQUEST, N_("the list of members is malformed"), BUG),
    CodeRow(40032, Retry.NEVER, Kind.REQUEST, N_("the list of members is too long"), SPLIT),
    CodeRow(40035, Retry.NEVER, Kind.REQUEST, N_("a parameter is not valid"), REPORT),
    CodeRow(40050, Retry.STATE, Kind.NOT_FOUND, N_("the group chat does not exist"), GROUPS),
    CodeRow(
        40058,
        Retry.NEVER,
        Kind.REQUEST,
        N_("a parameter is not valid: too long, too many, empty or malformed"),
        REPORT,
    ),
    CodeRow(40059, Retry.NEVER, Kind.REQUEST, N_("a flag is not valid"), BUG),
    CodeRow(40063, Retry.NEVER, Kind.REQUEST, N_("a required parameter is empty"), REPORT),
    CodeRow(
        40066, Retry.NEVER, Kind.REQUEST, N_("the list of departments is not valid"), DEPARTMENTS
    ),
    CodeRow(
        40070, Retry.NEVER, Kind.REQUEST, N_("nothing in the tag's range is valid"), DEPARTMENTS
    ),
    CodeRow(
        40073, Retry.NEVER, Kind.REQUEST, N_("the openid is not valid"), N_("Check the openid.")
    ),
    CodeRow(40125, Retry.NEVER, Kind.REQUEST, N_("the open_userid is not valid"), PROVIDER),
    CodeRow(41009, Retry.NEVER, Kind.REQUEST, N_("the userid is missing"), REPORT),
    CodeRow(41019, Retry.NEVER, Kind.REQUEST, N_("the department is missing"), REPORT),
    CodeRow(
        45024,
        Retry.NEVER,
        Kind.LIMIT,
        N_("the corp has reached its number of members"),
        N_("Ask the administrator to raise the corp's number of members."),
    ),
    CodeRow(
        45026,
        Retry.NEVER,
        Kind.LIMIT,
        N_("WeCom stops deletions of so many at once"),
        N_("Delete fewer at a time, or in the WeCom console."),
    ),
    CodeRow(45029, Retry.NEVER, Kind.REQUEST, N_("the answer would be too large"), SPLIT),
    CodeRow(
        50100,
        Retry.NEVER,
        Kind.CONFLICT,
        N_("the place in the list is no longer known"),
        N_("Begin the list again."),
    ),
    CodeRow(
        81013,
        Retry.NEVER,
        Kind.ACCESS,
        N_("none of the members, departments and tags is valid or visible"),
        SCOPE,
    ),
    CodeRow(81017, Retry.NEVER, Kind.REQUEST, N_("too many items for one question"), SPLIT),
    CodeRow(
        82001, Retry.NEVER, Kind.REQUEST, N_("members, departments and tags are all empty"), REPORT
    ),
    CodeRow(82002, Retry.NEVER, Kind.REQUEST, N_("the list of departments is too long"), SPLIT),
    CodeRow(82003, Retry.NEVER, Kind.REQUEST, N_("the list of tags is too long"), SPLIT),
    CodeRow(
        85002,
        Retry.NEVER,
        Kind.REQUEST,
        N_("the text holds forbidden words"),
        N_("Change the words and try again."),
    ),
    CodeRow(
        600018,
        Retry.NEVER,
        Kind.REQUEST,
        N_("the begin or the end of the time range is not valid"),
        N_("Choose whole days of the last 180, at most 30 of them, and not today."),
    ),
)
