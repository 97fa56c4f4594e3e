"""The file a back office joins with, and the profile it becomes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from storeops import config, paths, secrets
from storeops.config import Profile
from storeops.errors import ConfigError, ConflictError, NotFoundError, UsageError
from storeops.hub import rights
from storeops.hub.credentials import NatsKey, key_of
from storeops.hub.settings import HubSettings, must_be_safe
from storeops.hub.stores import JoinedStore
from storeops.i18n import _
from storeops.operations import ownership
from storeops.os_errors import explain_os
from storeops.private_file import write_bytes

if TYPE_CHECKING:
    from storeops.hub.joining_hosts import HostFile

FORMAT = "storeops-join-1"
MOST = 100_000  # bytes of such a file


@dataclass(frozen=True, slots=True)
class JoinFile:
    """What a back office needs to follow: all of it is secret.

    Attributes:
        format: FORMAT.
        url: of the server.
        ca: PEM of who signed its certificate, "" for those whom the system trusts.
        corp_id: of the company.
        store: department id of the shop.
        store_code: its number.
        store_name: its name.
        seed: of the back office's key; a secret.
        token: what that key may do.
    """

    format: str
    url: str
    ca: str
    corp_id: str
    store: int
    store_code: str
    store_name: str
    seed: str
    token: str

    def __repr__(self) -> str:
        return f"JoinFile({self.store_code})"

    @property
    def key(self) -> NatsKey:
        """The back office's key."""
        return key_of(self.seed)


def make(
    settings: HubSettings, corp_id: str, store: JoinedStore, key: NatsKey, at: float
) -> JoinFile:
    """The file for a shop.

    Args:
        settings: of head office.
        corp_id: of the company.
        store: the shop.
        key: of its back office.
        at: Unix seconds.
    """
    ca = Path(settings.tls_ca).read_text("utf-8") if settings.tls_ca else ""
    token = rights.shop_token(settings, store.department_id, key.public, at)
    return JoinFile(
        FORMAT, settings.url, ca, corp_id, store.department_id, store.code, store.name,
        key.seed, token,
    )  # fmt: skip


def save(join: JoinFile | HostFile, path: Path) -> None:
    """Write a file to join with, for the eyes of its owner alone.

    Raises:
        ConflictError: there is such a file already.
        ConfigError: it cannot be written.
    """
    if path.exists():
        raise ConflictError(
            _("There is a file {path} already.").format(path=path),
            hint=_("Name another one with --out FILE."),
        )
    try:
        write_bytes(path, _text(join).encode())
    except OSError as error:
        raise explain_os(error, path) or error from None


def _text(join: JoinFile | HostFile) -> str:
    return json.dumps(asdict(join), ensure_ascii=False, indent=1) + "\n"


def load(path: Path) -> JoinFile:
    """Read such a file.

    Raises:
        NotFoundError: there is none.
        UsageError: it is another kind of file, or names an address that is not safe.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST + 1)
    except FileNotFoundError:
        raise NotFoundError(_("There is no file {path}.").format(path=path)) from None
    except OSError as error:
        raise explain_os(error, path) or error from None
    return _understood(content, str(path))


def _understood(content: bytes, where: str) -> JoinFile:
    try:
        data = json.loads(content[:MOST])
        join = JoinFile(**data)
        fits = join.format == FORMAT and all(
            isinstance(value, int if name == "store" else str) for name, value in data.items()
        )
        join.key  # noqa: B018 (raises for what is none)
    except (ValueError, TypeError, AttributeError):
        fits = False
    if not fits:
        raise UsageError(
            _("{path} is no file to join with.").format(path=where),
            hint=_("Head office makes it: `storeops hub store add CODE`."),
        )
    must_be_safe(join.url)
    return join


def join(file: JoinFile, name: str, *, make_default: bool = False) -> Profile:
    """Make the profile of a back office, or give it a new key.

    Args:
        file: from head office.
        name: of the profile.
        make_default: use it when none is named.

    Raises:
        ConfigError: the name cannot be one, or a file cannot be written.
        ConflictError: the profile is something else already.
    """
    if not paths.valid_profile_name(name):
        raise ConfigError(
            _("{name} cannot name a profile.").format(name=name),
            hint=_("Use letters, digits, `_`, `.` and `-`."),
        )
    known = config.load().profiles.get(name)
    if known is not None and not (
        known.head_office and (known.corp_id, known.store) == (file.corp_id, file.store_code)
    ):
        raise ConflictError(
            _("The profile {name} is there already, and is not this shop's.").format(name=name),
            hint=_("Choose another name with --name."),
        )
    profile = Profile(name=name, corp_id=file.corp_id, store=file.store_code, head_office=file.url)
    ownership.save(profile, make_default=make_default)
    secrets.save_hub(name, _text(file))
    return profile


def of_profile(profile: Profile) -> JoinFile:
    """What a back office joined with.

    Raises:
        ConfigError: it is no back office, or its key is missing.
    """
    if not profile.head_office:
        raise ConfigError(
            _("The profile {name} is no back office.").format(name=profile.name),
            hint=_("`storeops profile join FILE` makes one, with the file that head office gives."),
        )
    kept = secrets.find(profile.name, secrets.HUB)
    if kept is None:
        raise ConfigError(
            _("The key of the back office {name} is missing.").format(name=profile.name),
            hint=_("Join again with a file from head office: `storeops profile join FILE`."),
        )
    found = _understood(kept.reveal().encode(), kept.source)
    must_be_safe(profile.head_office)  # a person may have moved it there
    return replace(found, url=profile.head_office)
