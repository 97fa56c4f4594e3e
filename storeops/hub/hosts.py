"""Head office on more than one host: who this one is, whether it leads, and what it may do then.

One host leads: it alone writes, asks WeCom and publishes. `hub serve` holds the lease at the server
and keeps beside it, in `lease.json`, until when every process of this host may act on it, in
seconds since the machine started: a clock that is set, and a process that was stopped for a while,
change nothing about it. The file is looked at before each transaction and right before each call.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

from storeops import paths
from storeops.errors import ConfigError, NetworkError, PolicyError, StoreOpsError
from storeops.i18n import _
from storeops.os_errors import explain_os
from storeops.private_file import read_toml, write_often, write_private

LEASE_S = 18.0  # a lease that was not renewed for so long is taken
SECURE_S = 20.0  # that one waits for the copy
_MOST_PATH = 100  # bytes of the path of a socket


@dataclass(frozen=True, slots=True)
class HostSettings:
    """This host, in host.toml of the folder `hub`.

    Attributes:
        id: of this host, made once; no two have the same.
        name: for people.
        first: head office began here: it may lead where no lease was ever taken.
        lease_s: seconds after which a lease that is not renewed is taken; the same at all hosts.
    """

    id: str
    name: str
    first: bool = False
    lease_s: float = LEASE_S


@dataclass(frozen=True, slots=True)
class Lead:
    """Who leads, as far as this host knows.

    Attributes:
        id, name: of the host that leads, "" when none is known.
        epoch: grows when another host takes the lease.
        until: until when this host may act, in seconds since the machine started; 0 elsewhere.
        boot: of which start of the machine `until` is.
        at: when this was written, Unix seconds.
    """

    id: str = ""
    name: str = ""
    epoch: int = 0
    until: float = 0.0
    boot: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class OwnData:
    """What the data.db of this host is.

    Attributes:
        epoch: it is of this epoch of the lease.
        led: it was written here as the leader; else it is a copy.
        boot: of which start of the machine that was.
        at: until when it has everything, Unix seconds.
    """

    epoch: int = 0
    led: bool = False
    boot: str = ""
    at: float = 0.0


def now_s() -> float:
    """Seconds since the machine started, those that it slept included where the system tells."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    else:
        return time.monotonic()


def boot_id() -> str:
    """Of this start of the machine; "" where the system does not tell."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return ""


def _file(profile: str, name: str) -> Path:
    return paths.profile_path(profile) / "hub" / name


def new_id() -> str:
    """An id for a host."""
    return secrets.token_hex(8)


def save(profile: str, host: HostSettings) -> None:
    """Keep who this host is.

    Raises:
        ConfigError: it cannot be written.
    """
    path = _file(profile, "host.toml")
    try:
        paths.private_folder(path.parent)
        write_private(path, asdict(host))
    except OSError as error:
        raise explain_os(error, path) or error from None


def find(profile: str) -> HostSettings | None:
    """Who this host is; None where head office has one host.

    Raises:
        ConfigError: the file is not understood.
    """
    path = _file(profile, "host.toml")
    if not path.exists():
        return None
    try:
        return HostSettings(**read_toml(path))
    except (ValueError, TypeError):
        raise ConfigError(_("{path} is not understood.").format(path=path)) from None
    except OSError as error:
        raise explain_os(error, path) or error from error


# -- who leads -----------------------------------------------------------------------------------


def lead(profile: str) -> Lead:
    """Who leads, as `hub serve` of this host wrote it last."""
    with suppress(OSError, ValueError, TypeError):
        return Lead(**json.loads(_file(profile, "lease.json").read_bytes()))
    return Lead()


def write_lead(profile: str, found: Lead) -> None:
    """Let every process of this host know who leads. One writer: `hub serve`."""
    write_often(_file(profile, "lease.json"), json.dumps(asdict(found)).encode())


def own_data(profile: str) -> OwnData:
    """What the data.db of this host is."""
    with suppress(OSError, ValueError, TypeError):
        return OwnData(**json.loads(_file(profile, "own.json").read_bytes()))
    return OwnData()


def write_own_data(profile: str, own: OwnData) -> None:
    """Remember what the data.db of this host is."""
    write_often(_file(profile, "own.json"), json.dumps(asdict(own)).encode())


class HostStanding:
    """Whether one App may act: opened while this host leads, it may as long as that lasts.

    Args:
        profile: its name.
        host: this host.
    """

    def __init__(self, profile: str, host: HostSettings) -> None:
        self._profile = profile
        self.host = host
        self._boot = boot_id()
        self._epoch = -1
        self.adopt()

    def adopt(self) -> None:
        """Act under the lease that this host holds now; no file may be open yet."""
        found = lead(self._profile)
        self._epoch = found.epoch if found.id == self.host.id else -1

    def leave(self) -> None:
        """Act no more, whatever the lease says."""
        self._epoch = -1

    @property
    def led(self) -> bool:
        """Whether it acts, or did."""
        return self._epoch != -1

    @property
    def leads(self) -> bool:
        """Whether this App may act at this moment."""
        found = lead(self._profile)
        return (
            found.id == self.host.id
            and found.epoch == self._epoch
            and found.boot == self._boot
            and now_s() < found.until
        )

    def must_lead(self) -> None:
        """Refuse what only the leader may do.

        Raises:
            PolicyError: this host does not lead, or led another time when this App was opened.
        """
        if not self.leads:
            raise not_leading(self._profile, self.host)

    def must_have(self, database: Path) -> None:
        """Refuse to begin an empty database where a copy is about to be.

        Raises:
            ConfigError: this host stands by and has no copy yet.
        """
        if not self.leads and not database.exists():
            raise ConfigError(
                _("This host has no copy of head office yet."),
                hint=_("`storeops hub serve` fetches one here, once the other host leads."),
            )

    def secure(self) -> None:
        """Wait until everything that is committed is at the server, under a lease that holds.

        Raises:
            NetworkError: it cannot be copied now.
            PolicyError: this host does not lead any more.
        """
        self.must_lead()
        secure(self._profile)
        self.must_lead()


def not_leading(profile: str, host: HostSettings) -> StoreOpsError:
    """What a host says of everything that only the leader does."""
    found = lead(profile)
    if found.id == host.id:
        return PolicyError(
            _("This host ({name}) led head office and does not any more.").format(name=host.name),
            hint=_("`storeops hub serve` must run here; `storeops hub status` names who leads."),
        )
    if found.name:
        return PolicyError(
            _("Head office is led by {leader}; this host ({name}) stands by.").format(
                leader=found.name, name=host.name
            ),
            hint=_("Do it at {leader}. Nothing was changed here.").format(leader=found.name),
        )
    return PolicyError(
        _("This host ({name}) does not know who leads head office.").format(name=host.name),
        hint=_("Run `storeops hub serve` here, best as a service."),
    )


# -- the copy ------------------------------------------------------------------------------------


def socket_path(profile: str, name: str) -> Path:
    """Where a process of this host is asked; beside the profile's files unless that is too long."""
    path = _file(profile, name)
    if len(os.fsencode(path)) <= _MOST_PATH:
        return path
    digest = blake2b(os.fsencode(path.parent), digest_size=8).hexdigest()
    folder = Path(tempfile.gettempdir()) / f"storeops-{digest}"
    return paths.private_folder(folder) / name


def secure(profile: str) -> None:
    """Ask `hub serve` of this host to copy what is committed, and wait until the server has it.

    Raises:
        NetworkError: it does not run, or cannot.
    """
    answer = b""
    if sys.platform != "win32":
        with suppress(OSError), socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(SECURE_S)
            asking.connect(str(socket_path(profile, "copy.sock")))
            asking.sendall(b"secure\n")
            answer = asking.recv(1000)
    if not answer.startswith(b"ok"):
        raise NetworkError(
            _("What was done here is not copied to the server of the hub yet."),
            hint=_("Does `storeops hub serve` run here, and does its server answer?"),
        )
