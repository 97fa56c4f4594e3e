"""Raw calls that may change something: allowed, shown, and in the journal like any other change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from storeops.changes.journal import JournalLine, dump
from storeops.changes.ledger import Ledger
from storeops.errors import PolicyError, StoreOpsError
from storeops.i18n import _
from storeops.plain import masked
from storeops.wecom.errors import UncertainError

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient

KIND = "api"  # as in the `allow` list of a profile
_MOST = 20_000  # characters of a body that the journal keeps whole
_HIDDEN = ("secret", "token", "aes_key", "password")


def may_call(ledger: Ledger) -> None:
    """Refuse raw writes where they are not allowed.

    Raises:
        PolicyError: read-only, or the profile's allow list does not name `api`.
    """
    ledger.policy.may_write()
    if not ledger.policy.allows(KIND):
        raise PolicyError(
            _("This profile does not allow raw calls that change something."),
            hint=_("They need `api` in its allow list; allowed here: {kinds}.").format(
                kinds=_(", ").join(ledger.policy.allow or ()) or "-"
            ),
        )


def preview(method: str, path: str, params: Mapping[str, Any], body: Any) -> dict[str, Any]:
    """What would be sent, as people and the journal may see it: no phone, no secret."""
    shown = {
        "method": method, "path": path, "params": masked(_without_secrets(dict(params))),
        "body": masked(_without_secrets(body)),
    }  # fmt: skip
    text = dump(shown["body"])
    if len(text) > _MOST:
        shown["body"] = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "length": len(text)}
    return shown


def write(
    ledger: Ledger, client: WeComClient, method: str, path: str, params: Mapping[str, Any],
    body: Any, reason: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Send one raw call; what is about to be sent is in the journal before, the answer after.

    A line `api.intent` without its `api.answer` says that nobody knows whether it happened.

    Args:
        ledger: the profile's ledger.
        client: of the same profile.
        method: "GET" or "POST".
        path: the API, without /cgi-bin/.
        params: query parameters.
        body: JSON of a POST.
        reason: why, for the journal.

    Raises:
        PolicyError: not allowed here.
        StoreOpsError: WeCom refused it, or nobody knows; the journal says which.
    """
    may_call(ledger)
    subject = body.get("external_userid") if isinstance(body, dict) else None
    person = subject if isinstance(subject, str) and subject else None
    intent = {**preview(method, path, params, body), "reason": reason}
    seq = ledger.journal.write(
        ledger.db, [JournalLine("api.intent", subject=person, payload=intent)], ledger.clock.now()
    )
    told: dict[str, Any] = {"intent": seq, "status": "unknown", "errcode": None}
    try:
        answer = client.raw(method, path, params, body, write=True)
        told.update(status="done", errcode=answer.get("errcode"))
        return answer
    except UncertainError:
        raise
    except StoreOpsError as error:
        told.update(status="failed", errcode=error.errcode, error=error.category)
        raise
    finally:
        ledger.journal.write(
            ledger.db, [JournalLine("api.answer", subject=person, payload=told)], ledger.clock.now()
        )


def _without_secrets(value: Any) -> Any:
    """JSON types without their secrets."""
    if isinstance(value, dict):
        return {
            key: "…" if any(part in key.lower() for part in _HIDDEN) else _without_secrets(each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    return value
