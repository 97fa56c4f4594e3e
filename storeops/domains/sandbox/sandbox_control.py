"""Steer a sandbox over its control side: clock, faults, what was called, saved states."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from storeops.domains.sandbox import sandbox_records
from storeops.errors import AccessError, NetworkError, NotFoundError, StoreOpsError, UsageError
from storeops.i18n import _

TIMEOUT = 10.0  # seconds
SLOW = 300.0  # seconds: a reset, save or load of a million follows
_CHUNK = 1 << 20


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
        AccessError: its key is not in this home.
        NotFoundError: it knows no such fault, table or control.
        UsageError: it refuses, with its reason.
    """
    payload = None if body is None else json.dumps(body).encode()
    return _object(base_url, _parts(base_url, method, path, payload, timeout))


def export(base_url: str, table: str) -> Iterator[dict[str, Any]]:
    """The true rows of one table, as they come.

    Raises:
        NetworkError, AccessError, NotFoundError: as `control`.
    """
    for line in _parts(base_url, "GET", f"export/{quote(table, safe='')}", None, 60.0, lines=True):
        yield json.loads(line)


def save(base_url: str, target: Path) -> int:
    """Keep the state of a sandbox in a private file (0600), replaced whole; bytes written.

    Raises:
        OSError: it cannot be written.
        NetworkError, AccessError: as `control`.
    """
    from storeops.private_file import scratch

    with scratch(target) as part:
        size = 0
        for chunk in _parts(base_url, "GET", "state", None, SLOW):
            size += part.file.write(chunk)
        part.put()
    return size


def load(base_url: str, source: Path) -> dict[str, Any]:
    """Give a sandbox a saved state; what it holds then.

    Raises:
        OSError: the file cannot be read.
        UsageError: it is no such state.
        NetworkError, AccessError: as `control`.
    """
    return _object(base_url, _parts(base_url, "PUT", "state", source.read_bytes(), SLOW))


def _object(base_url: str, parts: Iterator[bytes]) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads(b"".join(parts))
    except ValueError as error:
        raise _silent(base_url) from error
    return data


def _parts(
    base_url: str,
    method: str,
    path: str,
    payload: bytes | None,
    timeout: float,
    lines: bool = False,
) -> Iterator[bytes]:
    """The body of a good answer, as it comes.

    The key goes only where the process that has it is alive: what listens on the port of one
    that ended may be anybody's.
    """
    known = sandbox_records.find(base_url)
    if known is not None and not known.alive:
        raise _silent(base_url)
    url = urlsplit(base_url)
    connection = http.client.HTTPConnection(url.hostname or "127.0.0.1", url.port, timeout=timeout)
    headers = {"X-Sandbox-Key": known.control_key} if known is not None else {}
    try:
        connection.request(method, f"/_sandbox/{path}", payload, headers)
        answer = connection.getresponse()
        if answer.status >= 400:
            raise _refused(base_url, answer)
        yield from answer if lines else iter(lambda: answer.read(_CHUNK), b"")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _silent(base_url) from error
    finally:
        connection.close()


def _silent(base_url: str) -> NetworkError:
    up = _up(base_url)
    return NetworkError(
        _("The sandbox at {address} does not answer.").format(address=base_url),
        hint=_("Start it again: `{command}`.").format(command=up),
        next_steps=["storeops sandbox list", up],
    )


def _up(base_url: str) -> str:
    """The command that starts the sandbox of the profile that has this address."""
    from storeops import config

    names = [each.name for each in config.load().profiles.values() if each.base_url == base_url]
    return "storeops sandbox up --detach" + (f" --profile {names[0]}" if names else "")


def _refused(base_url: str, answer: http.client.HTTPResponse) -> StoreOpsError:
    error = json.loads(answer.read()).get("error", {})
    if error.get("code") == "no_key":
        return AccessError(
            _("The sandbox at {address} wants a key that is not in this home.").format(
                address=base_url
            ),
            hint=_("Steer it from the home that started it, or start one here."),
            next_steps=["storeops sandbox list", _up(base_url)],
        )
    reason = error.get("message", str(answer.status))
    kind = NotFoundError if answer.status == 404 else UsageError
    return kind(_("The sandbox refuses: {reason}.").format(reason=reason))
