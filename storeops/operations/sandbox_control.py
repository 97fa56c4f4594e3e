"""Steer the sandbox of a profile over its control side: clock, faults, what was called."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from storeops.errors import NetworkError, NotFoundError, UsageError
from storeops.i18n import _

TIMEOUT = 10.0  # seconds


def control(
    base_url: str,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    timeout: float = TIMEOUT,
) -> dict[str, Any]:
    """One call of `/_sandbox/…`.

    Args:
        base_url: the sandbox's address, as the profile has it; loopback only.
        method: GET, POST, PATCH or DELETE.
        path: behind `/_sandbox/`.
        body: sent as JSON.
        timeout: seconds; a reset of a million rows takes some ten.

    Returns:
        The decoded answer.

    Raises:
        NetworkError: no sandbox answers there.
        NotFoundError: it knows no such fault, table or control.
        UsageError: it refuses, with its reason.
    """
    url = urlsplit(base_url)
    connection = http.client.HTTPConnection(url.hostname or "127.0.0.1", url.port, timeout=timeout)
    try:
        payload = None if body is None else json.dumps(body).encode()
        connection.request(method, f"/_sandbox/{path}", payload)
        answer = connection.getresponse()
        raw = answer.read()
        data: dict[str, Any] = json.loads(raw)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NetworkError(
            _("The sandbox at {address} does not answer.").format(address=base_url),
            hint=_("Start it again: `storeops sandbox up --detach`."),
            next_steps=["storeops sandbox status", "storeops sandbox up --detach"],
        ) from error
    finally:
        connection.close()
    if answer.status >= 400:
        reason = data.get("error", {}).get("message", str(answer.status))
        kind = NotFoundError if answer.status == 404 else UsageError
        raise kind(_("The sandbox refuses: {reason}.").format(reason=reason))
    return data
