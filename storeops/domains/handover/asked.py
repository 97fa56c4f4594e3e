"""Handovers that a back office asks for, made anew here: who moves to whom, and what is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storeops.changes import relations
from storeops.changes.action import Row
from storeops.changes.ledger import Ledger
from storeops.domains.handover import group_checks, planner, rules, subjects
from storeops.domains.handover.assign import Assignment
from storeops.domains.handover.request import HandoverRequest
from storeops.domains.handover.subjects import Subject
from storeops.i18n import _
from storeops.mirror import members


def rows_of(
    ledger: Ledger, rows: Sequence[Row], params: Mapping[str, Any]
) -> tuple[Sequence[Row], dict[str, Any]]:
    """Our own rows of what is asked for, and the parameters of their plan; see `Action.asked`.

    Of the rows are taken giver, customer or group, and taker; of the parameters the farewells and
    whether personal tags are read. The way (on the job or after leaving), what both are like and
    every limit are found out here.

    Args:
        ledger: of head office.
        rows: as they were asked for.
        params: of the plan there.

    Raises:
        ValueError, KeyError: they are not understood.
    """
    people = members.by_userids(ledger.db, {row.userid for row in rows})
    chats = {
        each.chat_id: each
        for each in group_checks.chats(
            ledger.db, [_text(row, "chat_id") for row in rows if not row.external_userid]
        ).values()
    }
    found = relations.by_pairs(ledger.db, [(row.userid, row.external_userid) for row in rows])
    asked = []
    for row, relation in zip(rows, found, strict=True):
        from_owner = people[row.userid.lower()]
        if row.external_userid:
            if relation is None:
                raise ValueError("a follow is not known")
            asked.append(
                Subject(
                    rules.CUSTOMER, subjects.kind_of(from_owner, relation.status), from_owner,
                    relation.external_userid, relation.customer_id, relation.follow_id,
                    relation.createtime, relation.status,
                )
            )  # fmt: skip
            continue
        chat = chats.get(_text(row, "chat_id"))
        left = from_owner.left or (chat is not None and chat.owner_status == rules.OWNER_LEFT)
        asked.append(
            Subject(
                rules.GROUP, rules.RESIGNED if left else rules.ON_JOB, from_owner,
                _text(row, "chat_id"), status=chat.owner_userid if chat else from_owner.userid,
                name=chat.name if chat else "",
            )
        )  # fmt: skip
    choices = [Assignment(_text(row, "to"), _("chosen by the shop")) for row in rows]
    request = HandoverRequest(personal_tags=params.get("personal_tags") is not False)
    made, ours = planner.rows_to(ledger, request, asked, choices)
    return made, {**ours, "messages": _farewells(params.get("messages") or {}, made)}


def _text(row: Row, name: str) -> str:
    value = row.extra[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _farewells(asked: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, str]:
    """What the shop wants its customers to read, of the pairs that there are."""
    pairs = {f"{row.userid}>{row.extra['to']}" for row in rows if row.external_userid}
    found = {pair: text for pair, text in asked.items() if pair in pairs}
    if any(not isinstance(text, str) for text in found.values()) or any(
        len(text) > rules.MESSAGE_CHARACTERS for text in found.values()
    ):
        raise ValueError("a farewell is none")
    return found
