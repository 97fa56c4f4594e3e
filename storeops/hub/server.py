"""The server beside head office: its configuration, and its process.

`nats-server` runs as a process of its own, found again by the pid in its file; it is ended by that
pid, and only when it answers as ours.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from storeops.errors import ConfigError, NetworkError
from storeops.hub import rights
from storeops.hub import settings as hub_settings
from storeops.hub.settings import HubSettings, host_and_port
from storeops.i18n import _
from storeops.private_file import open_own, write_bytes

READY_S = 120.0  # with a large stream on a busy machine; one that ends is seen at once
STOP_S = 10.0
ROUTES = 2000  # the servers of a cluster find each other at 6222 when clients come to 4222


def binary(program: str = "nats-server") -> str:
    """A program that comes with the extra.

    Raises:
        ConfigError: it is not installed.
    """
    name = f"{program}.exe" if sys.platform == "win32" else program
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if not found:
        raise ConfigError(
            _("There is no {program} on this machine.").format(program=program),
            hint=_("It comes with the extra: pip install 'storeops[hub]'."),
        )
    return found


def configurations(
    profile: str, settings: HubSettings, revoked: Mapping[str, int], at: float
) -> dict[str, str]:
    """Name of a file → the configuration of a server: one, or each of a cluster's.

    They hold no secret but what the certificate's file has.

    Args:
        profile: of head office.
        settings: its hub.
        revoked: public key of a user → Unix seconds.
        at: Unix seconds.
    """
    here = hub_settings.folder(profile)
    operator, system, accounts = rights.tokens_of_server(settings, revoked, at)
    known = [
        f"operator: {operator}",
        f"system_account: {system}",
        "resolver_preload: {",
        *(f"  {account}: {token}" for account, token in accounts.items()),
        "}",
    ]
    certificate = f"cert_file: {_quoted(settings.tls_cert)}, key_file: {_quoted(settings.tls_key)}"
    if settings.tls_cert:
        known.append(f"tls {{ {certificate} }}")
    servers = [host_and_port(each) for each in settings.addresses]
    several = len(servers) > 1
    routes = ", ".join(_quoted(f"nats://{_at(host, port + ROUTES)}") for host, port in servers)
    found = {}
    for number, (host, port) in enumerate(servers, 1):
        name, below = (
            (f"server-{number}", here / f"server-{number}") if several else ("server", here)
        )
        lines = [
            f"listen: {_quoted(_at(host, port))}",
            f"server_name: {_quoted(f'storeops-{number}' if several else 'storeops')}",
            f"jetstream {{ store_dir: {_quoted(below / 'stream')} }}",
            f"resolver: {{ type: full, dir: {_quoted(below / 'accounts')} }}",
            *known,
        ]
        if several:
            lines += [
                "cluster {",
                "  name: storeops",
                f"  listen: {_quoted(_at(host, port + ROUTES))}",
                f"  routes: [{routes}]",
            ]
            if settings.tls_cert:
                signed = f", ca_file: {_quoted(settings.tls_ca)}" if settings.tls_ca else ""
                lines.append(f"  tls {{ {certificate}{signed}, verify: true }}")
            lines.append("}")
        found[f"{name}.conf"] = "\n".join(lines) + "\n"
    return found


def _at(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _quoted(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)


class ServerProcess:
    """The server of one profile.

    Args:
        profile: of head office.
        settings: its hub.
    """

    def __init__(self, profile: str, settings: HubSettings) -> None:
        self._settings = settings
        self._profile = profile
        self._folder = hub_settings.folder(profile)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process, 0 when none is known."""
        if self._process is not None:
            return self._process.pid
        try:
            return int((self._folder / "server.pid").read_text())
        except (OSError, ValueError):
            return 0

    @property
    def lives(self) -> bool:
        """Whether the process that was started here runs, or one that was left behind here."""
        if self._process is not None:
            return self._process.poll() is None
        return _is_server(self.pid)

    def start(self, revoked: Mapping[str, int], at: float) -> None:
        """Start it; the caller has found that nobody answers.

        Args:
            revoked: public key of a user → Unix seconds.
            at: Unix seconds.

        Raises:
            ConfigError: there is no program, or it refuses its configuration.
        """
        if self._process is not None:  # ours, which has died or hangs
            self.stop()
        [(name, text)] = configurations(self._profile, self._settings, revoked, at).items()
        config = self._folder / name
        write_bytes(config, text.encode())
        (self._folder / "accounts").mkdir(mode=0o700, exist_ok=True)
        log = self._folder / "server.log"
        with os.fdopen(open_own(log, os.O_WRONLY | os.O_APPEND), "ab") as output:
            self._process = subprocess.Popen(
                [binary(), "--config", str(config)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        write_bytes(self._folder / "server.pid", f"{self._process.pid}\n".encode())

    def must_live(self, since: float) -> None:
        """Say why it does not, or that it takes too long.

        Args:
            since: `time.monotonic()` of its start.

        Raises:
            NetworkError: it has ended, or does not answer after READY_S.
        """
        if self._process is not None and self._process.poll() is not None:
            raise NetworkError(
                _("The server of the hub has ended: {reason}").format(reason=self._last_words()),
                hint=_("What it said is in {path}.").format(path=self._folder / "server.log"),
            )
        if time.monotonic() - since > READY_S:
            raise NetworkError(
                _("The server of the hub did not become ready."),
                hint=_("What it said last is in {path}.").format(path=self._folder / "server.log"),
            )

    def _last_words(self) -> str:
        with suppress(OSError):
            lines = (self._folder / "server.log").read_text("utf-8", "replace").splitlines()
            return next((each for each in reversed(lines) if "[FTL]" in each), "-")[-200:]
        return "-"

    def stop(self) -> None:
        """End the server, also one that an earlier `hub serve` left behind when it was killed."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        elif _is_server(self.pid):
            pid = self.pid
            with suppress(OSError):
                os.kill(pid, signal.SIGTERM)
            until = time.monotonic() + STOP_S
            while _is_server(pid) and time.monotonic() < until:
                time.sleep(0.05)
        (self._folder / "server.pid").unlink(missing_ok=True)


def _is_server(pid: int) -> bool:
    """Whether a process is a NATS server; False where the system does not tell."""
    if not pid:
        return False
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == "nats-server"
    except OSError:
        return False
