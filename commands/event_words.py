"""Events as rows, and their statuses and reasons in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commands import cells
from storeops.i18n import N_, _
from storeops.operations.events import UNANSWERED_WORDS
from storeops.terms import term

if TYPE_CHECKING:
    from storeops.events.inbox import Event

_REASONS = {
    "not_listed": N_("WeCom does not list the relation yet"),
    "unknown": N_("a kind that means nothing to the mirror"),
    "incomplete": N_("it does not name what it is about"),
    "elsewhere": N_("about tags of a rule group"),
    "base64": N_("the ciphertext is broken"),
    "cipher": N_("the ciphertext is broken"),
    "padding": N_("encrypted with another key"),
    "length": N_("encrypted with another key"),
    "receiver": N_("meant for another corp"),
    "format": N_("neither XML nor JSON inside"),
    "signature": N_("wrong signature"),
    "malformed": N_("no callback"),
    "too_large": N_("too large"),
    **UNANSWERED_WORDS,
}


def status_word(status: str) -> str:
    """A status for people."""
    return term("event", status)


def reason_word(reason: str) -> str:
    """A reason for people; what a failure said stays as it is."""
    return _(_REASONS[reason]) if reason in _REASONS else reason


def row_of(event: Event) -> dict[str, Any]:
    """An event as programs see it."""
    return {
        "event_id": event.id,
        "received_at": cells.iso(event.received_at),
        "create_time": cells.iso(event.create_time or None),
        "event": event.event,
        "change_type": event.change_type,
        "userid": event.userid,
        "external_userid": event.external_userid,
        "subject": event.subject,
        "status": event.status,
        "reason": event.reason,
        "errcode": event.errcode,
        "attempts": event.attempts,
        "due_at": cells.iso(event.due_at),
        "handled_at": cells.iso(event.handled_at),
        "deliveries": event.deliveries,
    }


def shown_message(message: bytes | None, *, reveal: bool) -> Any:
    """The elements of a message, phone numbers masked; None while it cannot be read."""
    from storeops.events.message import read_message
    from storeops.plain import masked

    if message is None:
        return None
    fields = read_message(message).fields
    return dict(fields) if reveal else masked(fields)
