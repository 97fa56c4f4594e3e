"""Start, find and stop sandboxes on this machine.

A sandbox is another process (`python -m storeops.sandbox`); what is known of it lies in one
private file per sandbox under `paths.sandbox_dir()`.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from storeops import config, paths, secrets
from storeops.config import Profile
from storeops.errors import (
    ConfigError,
    ConflictError,
    NetworkError,
    NotFoundError,
    UsageError,
)
from storeops.i18n import _
from storeops.operations.sandbox_control import control
from storeops.private_file import open_own, write_private

READY_S = 180.0  # seconds a chain of a million follows may take on a slow machine
STOP_S = 15.0


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox that answers.

    Attributes:
        base_url: its address.
        corp_id: corp id of its chain.
        agent_id: the app with customer contact.
        secret: that app's secret, good for this sandbox only.
        pid: its process.
    """

    base_url: str
    corp_id: str
    agent_id: int
    secret: str
    pid: int


def start(
    arguments: Sequence[str], *, detach: bool, ready_s: float = READY_S
) -> tuple[Running, subprocess.Popen[bytes]]:
    """Start a sandbox and wait until it answers.

    Args:
        arguments: options of `python -m storeops.sandbox`.
        detach: let it outlive this process; else it ends with it, however that ends.
        ready_s: seconds to wait at most.

    Returns:
        What it says of itself, and its process.

    Raises:
        UsageError: it refuses the options, or the port is taken.
        NetworkError: it did not become ready in time.
    """
    folder = paths.sandbox_dir()
    log = folder / "sandbox.log"
    command = [sys.executable, "-m", "storeops.sandbox", *arguments]
    if not detach:
        command.append("--until-eof")
    with os.fdopen(open_own(log, os.O_WRONLY | os.O_APPEND), "ab") as errors:
        begun = errors.tell()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if detach else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=detach,
        )
    line = _first_line(process, ready_s)
    if not line:
        process.kill()
        process.communicate()
        with log.open("rb") as errors:
            errors.seek(begun)
            reason = errors.read(2000).decode("utf-8", "replace").strip()
        if process.returncode == 2 and reason:
            raise UsageError(_("The sandbox refuses: {reason}.").format(reason=reason))
        raise NetworkError(
            _("The sandbox did not become ready."),
            hint=_("What it said last is in {path}.").format(path=log),
        )
    running = Running(**json.loads(line))
    if detach:
        assert process.stdout is not None
        process.stdout.close()
        process.returncode = 0  # it lives on; Popen must not warn that nobody waits for it
    write_private(_record(running.base_url), asdict(running))
    return running, process


def _first_line(process: subprocess.Popen[bytes], timeout_s: float) -> bytes:
    """The line of readiness; b"" when the process ends or takes too long."""
    import select

    assert process.stdout is not None
    ready, _writable, _failed = select.select([process.stdout], [], [], timeout_s)
    return process.stdout.readline() if ready else b""


def _record(base_url: str) -> Path:
    return paths.sandbox_dir() / f"{base_url.rsplit(':', 1)[-1]}.toml"


def running() -> list[Running]:
    """Sandboxes of this home that answer, newest first; files of dead ones are removed."""
    import tomllib  # 5 ms, only here

    found = []
    folder = paths.sandbox_dir()
    for file in sorted(folder.glob("*.toml"), key=lambda f: f.stat().st_mtime, reverse=True):
        try:
            known = Running(**tomllib.loads(file.read_text(encoding="utf-8")))
            alive = control(known.base_url, "GET", "status")["pid"] == known.pid
        except (OSError, ValueError, TypeError, NetworkError, UsageError, KeyError):
            alive = False
        if alive:
            found.append(known)
        else:
            file.unlink(missing_ok=True)
    return found


def locate(url: str = "", profile: str = "") -> str:
    """The address of the sandbox that is meant.

    Args:
        url: an address, when the person gave one.
        profile: a profile, when the person gave one; else the default one if it is a sandbox's,
            else the sandbox started last.

    Raises:
        UsageError: the address is not of this machine, or the profile is no sandbox's.
        NotFoundError: none runs.
    """
    if url:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise UsageError(
                _("{address} is no address of this machine.").format(address=url),
                hint=_("A sandbox's address looks like http://127.0.0.1:8080."),
            )
        return url.rstrip("/")
    if profile or os.environ.get("STOREOPS_PROFILE"):
        chosen = config.load().choose(profile or None)
        if not chosen.sandbox:
            raise UsageError(
                _("The profile {name} is a real company, no sandbox.").format(name=chosen.name)
            )
        return chosen.base_url
    loaded = config.load()
    default = loaded.profiles.get(loaded.profile)
    if default is not None and default.sandbox:
        return default.base_url
    for each in running():
        return each.base_url
    raise NotFoundError(
        _("No sandbox is running."),
        hint=_("Start one with `storeops sandbox up --detach`."),
        next_steps=["storeops sandbox up --detach"],
    )


def stop(base_url: str) -> int:
    """Stop a sandbox and wait until its process has ended; returns its pid.

    Raises:
        NetworkError: it does not answer, or does not end.
    """
    pid = int(control(base_url, "GET", "status")["pid"])
    control(base_url, "POST", "stop")
    deadline = time.monotonic() + STOP_S
    while _alive(pid):
        if time.monotonic() > deadline:
            raise NetworkError(_("The sandbox (process {pid}) does not end.").format(pid=pid))
        time.sleep(0.02)
    _record(base_url).unlink(missing_ok=True)
    return pid


def forget(base_url: str) -> None:
    """Remove the file of a sandbox that has ended."""
    _record(base_url).unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False  # a child of ours, reaped
    except (ChildProcessError, OSError):
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def profile_port(name: str) -> int:
    """The port a sandbox profile of that name had, so that it stays true; 0 for a new one.

    Raises:
        ConflictError: the profile is a real company.
    """
    known = config.load().profiles.get(name)
    if known is None:
        return 0
    if not known.sandbox:
        raise ConflictError(
            _("The profile {name} is a real company, no sandbox.").format(name=name),
            hint=_("Choose another name with --profile."),
        )
    return int(known.base_url.rsplit(":", 1)[-1])


def make_profile(name: str, known: Running) -> Profile:
    """Write the profile of a running sandbox, secret included.

    Raises:
        ConfigError: the name cannot be one, or the files cannot be written.
    """
    if not paths.valid_profile_name(name):
        raise ConfigError(
            _("{name} cannot name a profile.").format(name=name),
            hint=_("Use letters, digits, `_`, `.` and `-`."),
        )
    profile = Profile(
        name=name,
        corp_id=known.corp_id,
        agent_id=known.agent_id,
        base_url=known.base_url,
        sandbox=True,
    )
    config.save_profile(profile)
    secrets.store(name, known.secret)
    return profile


def export(base_url: str, table: str) -> Iterator[dict[str, Any]]:
    """The true rows of one table, as they come.

    Raises:
        NetworkError: no sandbox answers there.
        UsageError: there is no such table.
    """
    url = urlsplit(base_url)
    connection = http.client.HTTPConnection(url.hostname or "127.0.0.1", url.port, timeout=60)
    try:
        connection.request("GET", f"/_sandbox/export/{quote(table, safe='')}")
        answer = connection.getresponse()
        if answer.status != 200:
            reason = json.loads(answer.read())["error"]["message"]
            raise UsageError(_("The sandbox refuses: {reason}.").format(reason=reason))
        for line in answer:
            yield json.loads(line)
    except (OSError, http.client.HTTPException) as error:
        raise NetworkError(
            _("The sandbox at {address} does not answer.").format(address=base_url)
        ) from error
    finally:
        connection.close()
