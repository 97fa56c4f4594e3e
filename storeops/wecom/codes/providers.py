"""Codes that only apps of service providers meet (06 §1.1)."""

from __future__ import annotations

from storeops.i18n import N_
from storeops.wecom.codes.advice import PROVIDER
from storeops.wecom.errcodes import CodeRow, Kind, Retry

ROWS = (
    CodeRow(40080, Retry.NEVER, Kind.ACCESS, N_("the suite secret is wrong"), PROVIDER),
    CodeRow(40082, Retry.NEVER, Kind.ACCESS, N_("the suite token is wrong"), PROVIDER),
    CodeRow(40083, Retry.NEVER, Kind.ACCESS, N_("the suite id is wrong"), PROVIDER),
    CodeRow(40084, Retry.NEVER, Kind.ACCESS, N_("the permanent code is wrong"), PROVIDER),
    CodeRow(40085, Retry.NEVER, Kind.ACCESS, N_("the suite ticket is wrong"), PROVIDER),
    CodeRow(40086, Retry.NEVER, Kind.ACCESS, N_("the provider's app id is wrong"), PROVIDER),
    CodeRow(41021, Retry.NEVER, Kind.ACCESS, N_("the suite id is missing"), PROVIDER),
    CodeRow(41022, Retry.NEVER, Kind.ACCESS, N_("the suite token is missing"), PROVIDER),
    CodeRow(41023, Retry.NEVER, Kind.ACCESS, N_("the suite ticket is missing"), PROVIDER),
    CodeRow(41024, Retry.NEVER, Kind.ACCESS, N_("the suite secret is missing"), PROVIDER),
    CodeRow(41025, Retry.NEVER, Kind.ACCESS, N_("the permanent code is missing"), PROVIDER),
    CodeRow(
        42007, Retry.TOKEN, Kind.ACCESS, N_("the pre-authorisation code has expired"), PROVIDER
    ),
    CodeRow(42009, Retry.TOKEN, Kind.ACCESS, N_("the suite token has expired"), PROVIDER),
    CodeRow(48003, Retry.NEVER, Kind.ACCESS, N_("the suite id is not valid"), PROVIDER),
    CodeRow(
        48004,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the corp's authorisation of the suite is gone"),
        PROVIDER,
    ),
)
