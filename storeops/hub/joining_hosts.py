"""The file with which a second host of head office joins: everything that the first one is."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from storeops import config, paths, secrets
from storeops.changes import seal as seals
from storeops.errors import ConfigError, ConflictError, StoreOpsError, UsageError
from storeops.hub import copying, hosts
from storeops.hub import settings as hub_settings
from storeops.hub.hosts import HostSettings
from storeops.hub.settings import HubSettings
from storeops.i18n import _
from storeops.operations import ownership
from storeops.private_file import write_bytes

FORMAT = "storeops-host-1"
MOST = 1_000_000  # bytes of such a file


@dataclass(frozen=True, slots=True)
class HostFile:
    """What a host of head office needs: all of it is secret.

    Attributes:
        format: FORMAT.
        name: of the new host.
        id: of the new host.
        lease_s: as at the first.
        profile: the profile, as config.toml has it.
        hub: hub.toml, with `tls_ca` as PEM.
        secrets: by their kind.
        journal: the key of the journal, hex.
    """

    format: str
    name: str
    id: str
    lease_s: float
    profile: dict[str, Any]
    hub: dict[str, Any]
    journal: str
    secrets: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"HostFile({self.name})"


def make(profile: config.Profile, name: str, first: str) -> HostFile:
    """The file for another host; the first time, this host becomes the first of several.

    Args:
        profile: of head office.
        name: of the other host.
        first: name of this one, when it has none yet.

    Raises:
        UsageError: the server would end with this host.
        ConflictError: this host has that name.
        ConfigError: there is no secret, or Litestream is missing.
    """
    settings = hub_settings.get(profile.name)
    if not settings.external:
        raise UsageError(
            _("The server that `hub serve` starts ends with this host."),
            hint=_(
                "Run servers of your own first, on machines that both hosts reach:"
                " `storeops hub init --external --url tls://HOST:PORT`."
            ),
        )
    copying.must_be_possible()
    here = hosts.find(profile.name)
    if here is None:
        here = HostSettings(hosts.new_id(), first, first=True)
    if name == here.name:
        raise ConflictError(_("This host is called {name} itself.").format(name=name))
    secrets.get(profile.name)  # says what is missing
    kept = secrets.every(profile.name)
    hub = asdict(settings) | {"tls_cert": "", "tls_key": ""}
    if settings.tls_ca:
        hub["tls_ca"] = Path(settings.tls_ca).read_text("utf-8")
    folder = paths.profile_dir(profile.name)
    seals.pseudonym(folder, "-", make=True)  # makes the key
    made = HostFile(
        FORMAT, name, hosts.new_id(), here.lease_s, _told(profile), hub,
        (folder / "journal.key").read_bytes().hex(), kept,
    )  # fmt: skip
    hosts.save(profile.name, here)
    return made


def _told(profile: config.Profile) -> dict[str, Any]:
    shown = config.as_dict(config.Config(profiles={profile.name: profile}))
    return {"name": profile.name, "config": shown}


def load(path: Path) -> HostFile | None:
    """Read such a file; None for a file of another kind."""
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(MOST))
        if told.get("format") != FORMAT:
            return None
        return HostFile(**{each.name: told[each.name] for each in dataclasses.fields(HostFile)})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def join(file: HostFile, name: str = "", *, make_default: bool = False) -> config.Profile:
    """Become a host of head office.

    Args:
        file: from the first host.
        name: of the profile; "" for the same as there.
        make_default: use the profile when none is named.

    Raises:
        ConflictError: there is such a profile already, which is no host of this head office.
        UsageError: the file is not understood.
        ConfigError: something cannot be written, or Litestream is missing.
    """
    copying.must_be_possible()
    try:
        read = config.from_dict(file.profile["config"]).profiles[file.profile["name"]]
        told = HubSettings(**file.hub)
        key = bytes.fromhex(file.journal)
    except (KeyError, TypeError, ValueError, StoreOpsError):
        raise UsageError(
            _("The file of the host {name} is not understood.").format(name=file.name),
            hint=_("It may be of another version: install the same on both hosts."),
        ) from None
    profile = dataclasses.replace(read, name=name or read.name)
    if not paths.valid_profile_name(profile.name):
        raise ConfigError(_("{name} cannot name a profile.").format(name=profile.name))
    if profile.name in config.load().profiles and hosts.find(profile.name) is None:
        raise ConflictError(
            _("The profile {name} is there already.").format(name=profile.name),
            hint=_("Choose another name with --name."),
        )
    ownership.save(profile, make_default=make_default)
    secrets.keep(profile.name, file.secrets)
    hub = hub_settings.folder(profile.name)
    authority = told.tls_ca
    if authority:
        write_bytes(hub / "ca.pem", authority.encode())
    folder = paths.profile_dir(profile.name)
    write_bytes(folder / "journal.key", key)
    hub_settings.save(
        profile.name,
        dataclasses.replace(told, tls_ca=str((hub / "ca.pem").absolute()) if authority else ""),
    )
    hosts.save(profile.name, HostSettings(file.id, file.name, lease_s=file.lease_s))
    return profile
