"""Start, find and stop sandboxes on this machine.

A sandbox is another process (`python -m storeops.sandbox`); what is known of it lies in a record
(sandbox_records.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from storeops import config, paths, secrets
from storeops.config import Profile
from storeops.domains.sandbox import sandbox_records
from storeops.domains.sandbox.sandbox_control import control
from storeops.domains.sandbox.sandbox_records import Running
from storeops.errors import (
    AccessError,
    ConfigError,
    ConflictError,
    NetworkError,
    NotFoundError,
    StoreOpsError,
    UsageError,
)
from storeops.i18n import _
from storeops.operations import ownership
from storeops.private_file import open_own

READY_S = 180.0  # seconds a chain of a million follows may take on a slow machine
STOP_S = 15.0


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
    log = sandbox_records.folder() / "sandbox.log"
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
    try:
        sandbox_records.remember(running)
    except BaseException:
        process.kill()  # nobody could steer or stop it
        process.communicate()
        raise
    if detach:
        assert process.stdout is not None
        process.stdout.close()
        process.returncode = 0  # it lives on; Popen must not warn that nobody waits for it
    return running, process


def _first_line(process: subprocess.Popen[bytes], timeout_s: float) -> bytes:
    """The line of readiness; b"" when the process ends or takes too long."""
    import threading

    assert process.stdout is not None
    found: list[bytes] = []
    pipe = process.stdout
    thread = threading.Thread(target=lambda: found.append(pipe.readline()), daemon=True)
    thread.start()
    thread.join(timeout_s)  # select knows no pipes on Windows
    return found[0] if found else b""


def running() -> list[Running]:
    """Sandboxes of this home that answer, newest first."""
    return [each for each in sandbox_records.everyone() if answers(each)]


def answers(known: Running) -> bool:
    """Whether the process that was started answers at its address, and no other one."""
    try:
        return bool(control(known.base_url, "GET", "status")["pid"] == known.pid)
    except (NetworkError, UsageError, AccessError, NotFoundError, KeyError):
        return False


def everyone() -> list[dict[str, Any]]:
    """Every sandbox of this home, then those of profiles that run no more.

    Returns:
        Rows of `profile` ("" for none), `base_url`, `pid` (None: not known) and `alive`.
    """
    profiles = [p for p in config.load().profiles.values() if p.sandbox]
    rows: list[dict[str, Any]] = []
    for each in sandbox_records.everyone():
        names = [p.name for p in profiles if p.base_url == each.base_url]
        alive = answers(each)
        for name in names or [""]:
            row = {"profile": name, "base_url": each.base_url, "pid": each.pid, "alive": alive}
            rows.append(row)
    known = {row["base_url"] for row in rows}
    return rows + [
        {"profile": p.name, "base_url": p.base_url, "pid": None, "alive": False}
        for p in profiles
        if p.base_url not in known
    ]


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
        AccessError: it was not started from this home.
    """
    known = sandbox_records.find(base_url)
    control(base_url, "POST", "stop")
    assert known is not None  # else it would have refused
    deadline = time.monotonic() + STOP_S
    while known.alive:
        if time.monotonic() > deadline:
            raise NetworkError(_("The sandbox (process {pid}) does not end.").format(pid=known.pid))
        time.sleep(0.02)
    sandbox_records.forget(known)
    return known.pid


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
    """Write the profile of a running sandbox, secret included; one that cannot have it is stopped.

    Raises:
        ConfigError: the name cannot be one, or the files cannot be written.
        ConflictError: the profile holds another company's data.
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
    try:
        ownership.save(profile)
    except StoreOpsError:
        stop(known.base_url)
        raise
    secrets.save(name, known.secret)
    return profile
