"""Calls about group chats: onjob_transfer (doc 95703), transfer (doc 92127), what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storeops.changes.action import (
    DONE,
    FAILED,
    QUEUED,
    UNKNOWN,
    VANISHED,
    WAITING,
    Call,
    Row,
    RowResult,
)
from storeops.domains.handover import record, rules
from storeops.wecom.errcodes import ErrorCondition, condition_of

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient

PATIENCE = 5  # asks before a group that still has its old owner is taken as not handed over
SOON_S = 600  # a leaver's group is handed over within minutes; nobody promises how many
RUNNING, INHERITED = 2, 3  # status of groupchat/list
# what WeCom answers about a group that our own lost call has handed over, or begins to
_MOVED = {rules.RESIGNED: ErrorCondition.CHAT_LEAVER_MOVED, rules.ON_JOB: ErrorCondition.CHAT_MOVED}


@dataclass(frozen=True, slots=True)
class SentGroups:
    """What one call brought: failures by chat_id; all others were taken."""

    asked_at: float
    failed: dict[str, int]


def send(client: WeComClient, call: Call) -> SentGroups:
    """Hand the groups of a call over to their new owner."""
    from storeops.wecom import handover  # httpx and msgspec: workers only

    payload = call.payload
    transfer = (
        handover.transfer_chats_resigned
        if payload["kind"] == rules.RESIGNED
        else handover.transfer_chats_on_job
    )
    failed = transfer(client, payload["ids"], payload["to"])
    return SentGroups(client.clock.now(), {each.chat_id: each.errcode for each in failed})


def interpret(call: Call, sent: SentGroups) -> list[RowResult]:
    """On the job what is not named as failed is done; after leaving it has only begun."""
    answers = []
    for row in call.rows:
        code = sent.failed.get(str(row.extra["chat_id"]), 0)
        if call.ambiguous_sends and condition_of(code) is _MOVED[call.payload["kind"]]:
            code = 0  # our own first sending, whose answer was lost
        if code:
            answers.append(RowResult(row.row, FAILED, code, extra=record.result_fields(row)))
        elif call.payload["kind"] == rules.RESIGNED:
            answers.append(_waiting(row, sent.asked_at))
        else:
            answers.append(_done(row, sent.asked_at, sent.asked_at))
    return answers


def _waiting(row: Row, asked_at: float) -> RowResult:
    due = asked_at + SOON_S
    extra = record.result_fields(row, asked_at=asked_at, due_at=due)
    return RowResult(row.row, WAITING, due_at=due, extra=extra)


def _done(row: Row, asked_at: float, at: float) -> RowResult:
    extra = record.result_fields(row, asked_at=asked_at, due_at=at, settled_at=at)
    return RowResult(row.row, DONE, extra=extra)


def statuses(client: WeComClient, owners: Sequence[str]) -> dict[str, int]:
    """Status of groupchat/list of every group of these owners (at most 100), leavers included."""
    from storeops.wecom import groups

    return {row.chat_id: row.status for row in groups.iter_chats(client, owners=owners)}


def owner_of(client: WeComClient, chat_id: str) -> str | None:
    """Who owns a group now; None when it was dissolved or is unknown."""
    from storeops.wecom import groups
    from storeops.wecom.errors import WeComNotFoundError

    try:
        return groups.get_chat(client, chat_id, need_name=False).owner
    except WeComNotFoundError:
        return None


def read_back(client: WeComClient, call: Call) -> list[RowResult]:
    """What became of a call whose answer was lost; group data may be old for a while."""
    payload, now = call.payload, client.clock.now()
    seen: dict[str, int] = {}
    if payload["kind"] == rules.RESIGNED:
        seen = statuses(client, [payload["from"], payload["to"]])
    answers = []
    for row in call.rows:
        chat_id = str(row.extra["chat_id"])
        if seen.get(chat_id) == RUNNING:
            answers.append(_waiting(row, now))
            continue
        owner = owner_of(client, chat_id)
        if owner is None:
            answers.append(RowResult(row.row, VANISHED, extra=record.result_fields(row)))
        elif owner.lower() == str(payload["to"]).lower():
            answers.append(_done(row, now, now))
        else:
            answers.append(
                RowResult(row.row, QUEUED if call.reconcile_attempts >= PATIENCE else UNKNOWN)
            )
    return answers
