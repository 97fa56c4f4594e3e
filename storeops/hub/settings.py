"""What a head office keeps of its hub: addresses, and the keys that sign everything.

One file, hub.toml (0600), in the folder `hub` of the profile's files. Who has it can issue rights:
it never leaves head office, and no back office needs anything of it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from storeops import paths
from storeops.errors import ConfigError, NotFoundError, UsageError
from storeops.hub.credentials import NatsKey, key_of, new_key
from storeops.i18n import _
from storeops.os_errors import explain_os
from storeops.private_file import read_toml, write_private

PORT = 4222


@dataclass(frozen=True, slots=True)
class HubSettings:
    """A head office's hub.

    Attributes:
        url: where back offices find the server: nats:// on this machine alone, else tls://; those
            of a cluster behind each other, with commas.
        external: the server is run by somebody else; `hub serve` starts none.
        replicas: how many servers of a cluster keep each message.
        tls_cert, tls_key: files of the server's certificate, "" on loopback.
        tls_ca: file of who signed it, "" for the system's; goes to back offices.
        operator, system, office, shops, publisher, admin: seeds of the operator, of the accounts
            and of head office's own two users; secrets.
        request_kinds: kinds of plan that a back office may ask for; None: those of which their
            domains say so.
        request_rows, request_rows_day: rows that it may ask for at once, and in a day (Beijing).
        approve_above: more rows at once wait for approval.
        approve_kinds: kinds that always do; None as above.
    """

    url: str
    operator: str
    system: str
    office: str
    shops: str
    publisher: str
    admin: str
    external: bool = False
    replicas: int = 1
    tls_cert: str = ""
    tls_key: str = ""
    tls_ca: str = ""
    request_kinds: Sequence[str] | None = None
    request_rows: int = 2000
    request_rows_day: int = 5000
    approve_above: int = 20
    approve_kinds: Sequence[str] | None = None

    def __repr__(self) -> str:
        return f"HubSettings({self.url})"

    def key(self, name: str) -> NatsKey:
        """One of the keys, by the name of its field."""
        return key_of(getattr(self, name))

    @property
    def addresses(self) -> list[str]:
        """The server's, or those of a cluster."""
        return addresses(self.url)


def addresses(url: str) -> list[str]:
    """The addresses of servers, one or several with commas."""
    return [each.strip() for each in url.split(",")]


def host_and_port(address: str) -> tuple[str, int]:
    """Of one server."""
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or PORT


def folder(profile: str) -> Path:
    """Where the hub of a profile keeps its files, made 0700."""
    return paths.private_folder(paths.profile_dir(profile) / "hub")


def file(profile: str) -> Path:
    """The settings; may not exist."""
    return paths.profile_path(profile) / "hub" / "hub.toml"


def on_loopback(url: str) -> bool:
    """Whether all addresses are of this machine alone."""
    return all(_of_this_machine(urlsplit(each).hostname or "") for each in addresses(url))


def _of_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def must_be_safe(url: str) -> None:
    """Refuse an address that is none, or that leaves this machine unencrypted.

    Args:
        url: one, or several with commas.

    Raises:
        UsageError: it is, or does.
    """
    for each in addresses(url):
        _must_be_safe(each)


def _must_be_safe(url: str) -> None:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("nats", "tls") and bool(parts.hostname) and parts.port != 0
        fits = fits and parts.path in ("", "/") and not parts.query and "@" not in parts.netloc
    except ValueError:
        fits = False
    if not fits:
        raise UsageError(
            _("{address} is no address of a NATS server.").format(address=url),
            hint=_("Like tls://hub.example.com:4222, or nats://127.0.0.1:4222 on this machine."),
        )
    if parts.scheme != "tls" and not on_loopback(url):
        raise UsageError(
            _("{address} lies beyond this machine, where only tls:// is taken.").format(
                address=url
            ),
            hint=_("Write tls://HOST:PORT, and name the certificate: --tls-cert, --tls-key."),
        )


def create(profile: str, **given: str | bool | int | Sequence[str]) -> HubSettings:
    """Make the keys of a hub and keep them; what is there keeps its keys.

    Args:
        profile: of head office.
        given: fields that are not seeds.

    Raises:
        UsageError: the address is not safe, or a certificate is missing.
        ConfigError: the file cannot be written.
    """
    known = find(profile)
    if known is None:
        made = HubSettings(
            url=f"nats://127.0.0.1:{PORT}",
            operator=new_key("operator").seed,
            system=new_key("account").seed,
            office=new_key("account").seed,
            shops=new_key("account").seed,
            publisher=new_key("user").seed,
            admin=new_key("user").seed,
        )
    else:
        made = known
    made = replace(made, **given)  # type: ignore[arg-type]
    must_be_safe(made.url)
    several = len(made.addresses) > 1
    if several and not made.external:
        raise UsageError(
            _("`hub serve` starts one server; several addresses are a cluster's that you run."),
            hint=_("Add --external, or give one address."),
        )
    ours = (several or not made.external) and not on_loopback(made.url)
    if ours and not (made.tls_cert and made.tls_key):
        raise UsageError(
            _("A server beyond this machine needs a certificate."),
            hint=_("Add --tls-cert FILE and --tls-key FILE; --tls-ca FILE when it is your own."),
        )
    for name in (made.tls_cert, made.tls_key, made.tls_ca):
        if name and not Path(name).is_file():
            raise UsageError(_("There is no file {path}.").format(path=name))
    save(profile, made)
    return made


def save(profile: str, settings: HubSettings) -> None:
    """Keep the settings of a hub.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        folder(profile)
        told = {name: value for name, value in asdict(settings).items() if value is not None}
        write_private(file(profile), told)
    except OSError as error:
        raise explain_os(error, file(profile)) or error from None


def find(profile: str) -> HubSettings | None:
    """The settings of a profile's hub, None when it has none.

    Raises:
        ConfigError: the file cannot be read or is not understood.
    """
    path = file(profile)
    try:
        return HubSettings(**read_toml(path))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise ConfigError(
            _("{path} is not understood.").format(path=path),
            hint=_("Put a copy of it back: it holds the keys of all back offices."),
        ) from None
    except OSError as error:
        raise explain_os(error, path) or error from None


def get(profile: str) -> HubSettings:
    """The settings of a profile's hub.

    Raises:
        NotFoundError: it has none.
        ConfigError: the file cannot be read or is not understood.
    """
    found = find(profile)
    if found is None:
        raise NotFoundError(
            _("The profile {name} is no head office yet.").format(name=profile),
            hint=_("Make it one with `storeops hub init`."),
            next_steps=["storeops hub init"],
        )
    return found
