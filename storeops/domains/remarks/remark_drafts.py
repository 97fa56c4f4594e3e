"""Drafts of remarks: what marks on a screen become before anybody reviews them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from storeops.changes import drafts
from storeops.changes.action import Row
from storeops.changes.follow_requests import SelectedFollows
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan
from storeops.domains.remarks.remark_plan import remark_rows
from storeops.domains.remarks.remarks import RemarkAction, values_of
from storeops.plain import mask_phones


def draft_remarks(
    ledger: Ledger, selected: SelectedFollows, values: Mapping[str, Any]
) -> tuple[Plan, int]:
    """Add changes of remarks to the open draft: (the draft, how many follows it concerns).

    Args:
        ledger: the profile's ledger.
        selected: the follows.
        values: remark, description, remark_company, remark_mobiles, as `remark plan` takes them.
    """
    rows, _kept, _problems, _already = remark_rows(ledger, selected, values)
    return drafts.put(ledger, RemarkAction.name, rows, _join_remarks), len(rows)


def first_remark(ledger: Ledger, selected: SelectedFollows, values: Mapping[str, Any]) -> str:
    """What the first of these follows has now and would get: `林总 → VIP 0012`, one line a field.

    Args:
        ledger: the profile's ledger.
        selected: the follows.
        values: as `draft_remarks` takes them; {} shows what is there now.
    """
    if not selected.relations:
        return ""
    first = selected.relations[0]
    if not values:
        return mask_phones(str(values_of(first)["remark"]))
    rows, _kept, _problems, _already = remark_rows(ledger, SelectedFollows([first]), values)
    lines = [
        f"{row.before.get(key) or '–'} → {row.after[key]}" for row in rows for key in row.after
    ]
    return mask_phones("\n".join(lines))


def _join_remarks(old: Row, new: Row) -> Row:
    return replace(
        new,
        before={**old.before, **new.before},
        after={**old.after, **new.after},
        extra={**old.extra, **new.extra},
    )
