"""config.toml: the language, the default profile, and one table per profile. Never a secret.

```toml
language = "zh_CN"          # en | zh_CN; unset: the locale decides
profile = "main"            # the profile used when none is named
stale_after = "24h"         # a mirror older than this is called stale
time_zone = "Asia/Tokyo"    # moments are shown and read in this zone; unset: Asia/Shanghai

[profiles.main]
corp_id = "ww0123456789abcdef"
agent_id = 1000002
base_url = "https://qyapi.weixin.qq.com"
store = "SH-012"            # one shop as the default of every view; unset: all shops
read_only = false           # true refuses every change
sandbox = false             # true: a WeCom on this desk, not the real one
head_office = "tls://hub:4222" # a back office without a secret: follows the hub there
allow = ["tag", "remark"]   # kinds of change that may be applied; unset: all

[profiles.main.limits]      # calls that storeops allows itself, per corp and API
in_flight = 4
per_minute = 10000
per_hour = 150000
timeout_s = 20              # seconds to wait for an answer, per try; 35 at most

[profiles.main.policy]      # rows that may be applied; 0 sets no ceiling
max_rows_per_plan = 50000
max_rows_per_day = 200000
```
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from storeops import paths
from storeops.ceilings import CallLimits, Ceilings
from storeops.durations import duration
from storeops.errors import ConfigError, NotFoundError
from storeops.i18n import _
from storeops.os_errors import explain_os
from storeops.private_file import write_private
from storeops.spelling import did_you_mean
from storeops.toml import files, values

WECOM_URL = "https://qyapi.weixin.qq.com"


@dataclass(frozen=True, slots=True)
class Profile:
    """One corp, one app, one database.

    Attributes:
        name: also the name of its folder.
        corp_id: WeCom's corpid.
        agent_id: the app's id, 0 when unknown.
        base_url: where the API answers, without a trailing slash.
        store: code of the shop that is the default of every view, "" for all.
        read_only: refuse every change.
        sandbox: a WeCom on this desk.
        head_office: address of the hub that a back office follows; "" for who asks WeCom itself.
        allow: kinds of change that may be applied; None for all.
        limits: calls per corp and API.
        policy: how many rows may be applied.
    """

    name: str
    corp_id: str
    agent_id: int = 0
    base_url: str = WECOM_URL
    store: str = ""
    read_only: bool = False
    sandbox: bool = False
    head_office: str = ""
    allow: tuple[str, ...] | None = None
    limits: CallLimits = field(default_factory=CallLimits)
    policy: Ceilings = field(default_factory=Ceilings)


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file.

    Attributes:
        language: "en", "zh_CN", or "" for the locale's.
        profile: the default profile's name, "" when there is none.
        stale_after: seconds after which the mirror is called stale.
        time_zone: IANA name of the zone of every moment shown or read, "" for China's.
        profiles: by name, in the order of the file.
    """

    language: str = ""
    profile: str = ""
    stale_after: int = 86_400
    time_zone: str = ""
    profiles: dict[str, Profile] = field(default_factory=dict)

    def choose(self, name: str | None = None) -> Profile:
        """The profile to use: `name`, else STOREOPS_PROFILE, else the default, else the only one.

        Raises:
            ConfigError: none is set up, or several and no default.
            NotFoundError: the named one does not exist.
        """
        wanted = name or os.environ.get("STOREOPS_PROFILE", "") or self.profile
        if wanted:
            found = self.profiles.get(wanted)
            if found is None:
                raise NotFoundError(
                    _("There is no profile named {name}.").format(name=wanted),
                    hint=did_you_mean(
                        wanted,
                        self.profiles,
                        _("`storeops profile list` shows the profiles there are."),
                    ),
                    next_steps=[
                        "storeops profile list",
                        f"storeops profile add {shlex.quote(wanted)}",
                    ],
                )
            return found
        if len(self.profiles) == 1:
            return next(iter(self.profiles.values()))
        if not self.profiles:
            raise ConfigError(
                _("No profile is set up yet."),
                hint=_(
                    "Add your company with `storeops profile add NAME`, or try everything "
                    "on a sandbox with `storeops demo`."
                ),
                next_steps=["storeops demo", "storeops profile add NAME --corp-id ID"],
            )
        raise ConfigError(
            _("Several profiles exist and none is the default."),
            hint=_("Choose one with `storeops profile use NAME` or `--profile NAME`."),
            next_steps=["storeops profile list", "storeops profile use NAME"],
        )


_LIMITS: dict[str, values.Reader] = {
    "in_flight": values.count,
    "per_minute": values.count,
    "per_hour": values.count,
    "timeout_s": values.wait,
}


def _limits(where: str, value: Any) -> CallLimits:
    return CallLimits(**values.table(where, value, _LIMITS))


_CEILINGS: dict[str, values.Reader] = {
    "max_rows_per_plan": values.ceiling,
    "max_rows_per_day": values.ceiling,
}


def _policy(where: str, value: Any) -> Ceilings:
    return Ceilings(**values.table(where, value, _CEILINGS))


_PROFILE: dict[str, values.Reader] = {
    "corp_id": values.corp,
    "agent_id": values.agent,
    "base_url": values.url,
    "store": values.text,
    "read_only": values.flag,
    "sandbox": values.flag,
    "head_office": values.text,
    "allow": values.texts,
    "limits": _limits,
    "policy": _policy,
}


def _profile(where: str, name: str, value: Any) -> Profile:
    if not paths.valid_profile_name(name):
        raise values.SettingProblem(where, _("a name of letters, digits, _ . -"))
    read = values.table(where, value, _PROFILE, ("corp_id",))
    if read.get("sandbox") and not values.is_local(read.get("base_url", WECOM_URL)):
        raise values.SettingProblem(
            f"{where}.sandbox", _("false: a sandbox's base_url is an address of this machine")
        )
    return Profile(name=name, **read)


_TOP: dict[str, values.Reader] = {
    "language": values.language,
    "profile": values.text,
    "stale_after": values.duration,
    "time_zone": values.time_zone,
    "profiles": values.by_name(_profile),
}


def from_dict(data: dict[str, Any], path: Path | None = None) -> Config:
    """The configuration that a TOML document means.

    Args:
        data: the document.
        path: the file to name in errors.

    Raises:
        ConfigError: something in it is not understood.
    """
    with files.understood(path):
        return Config(**values.table("", data, _TOP))


def load(path: Path | None = None) -> Config:
    """Read config.toml; a missing file is an empty configuration.

    Raises:
        ConfigError: it cannot be read or holds something that is not understood.
    """
    path = path or paths.config_file()
    try:
        return from_dict(files.document(path), path)
    except NotFoundError:
        return Config()


def as_dict(config: Config) -> dict[str, Any]:
    """The TOML document of `config`: only what differs from the defaults, and corp_id."""
    data: dict[str, Any] = {}
    if config.language:
        data["language"] = config.language
    if config.profile:
        data["profile"] = config.profile
    if config.stale_after != Config().stale_after:
        data["stale_after"] = duration(config.stale_after)
    if config.time_zone:
        data["time_zone"] = config.time_zone
    tables = {name: _profile_dict(each) for name, each in config.profiles.items()}
    if tables:
        data["profiles"] = tables
    return data


def _profile_dict(profile: Profile) -> dict[str, Any]:
    table: dict[str, Any] = {"corp_id": profile.corp_id, "agent_id": profile.agent_id}
    default = Profile(name="", corp_id="")
    for key in ("base_url", "store", "read_only", "sandbox", "head_office"):
        if getattr(profile, key) != getattr(default, key):
            table[key] = getattr(profile, key)
    if profile.allow is not None:
        table["allow"] = list(profile.allow)
    for inner in ("limits", "policy"):
        mine, usual = getattr(profile, inner), getattr(default, inner)
        changed = {
            key: getattr(mine, key)
            for key in mine.__dataclass_fields__
            if getattr(mine, key) != getattr(usual, key)
        }
        if changed:
            table[inner] = changed
    return table


@contextmanager
def editing(path: Path | None = None) -> Iterator[Callable[[Config], None]]:
    """Read-change-write under a file lock: yields a function that stores a new Config.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    from filelock import FileLock  # 8 ms, only when something is written

    path = path or paths.config_file()
    try:
        paths.private_folder(path.parent)
        with FileLock(f"{path}.lock", timeout=10, mode=0o600):
            yield lambda config: write_private(path, as_dict(config))
    except OSError as error:
        raise explain_os(error, path) or error from None


def save_profile(profile: Profile, *, make_default: bool = False) -> None:
    """Add or replace a profile; the first one becomes the default.

    Raises:
        ConfigError: a value is not understood, or the file cannot be written.
    """
    with editing() as save:
        config = load()
        profiles = {**config.profiles, profile.name: profile}
        default = profile.name if make_default or not config.profiles else config.profile
        changed = replace(config, profiles=profiles, profile=default)
        save(from_dict(as_dict(changed)))  # refuses what could not be read again


def remove_profile(name: str) -> None:
    """Forget a profile; its files stay.

    Raises:
        NotFoundError: there is none of that name.
    """
    with editing() as save:
        config = load()
        config.choose(name)
        profiles = {key: each for key, each in config.profiles.items() if key != name}
        default = "" if config.profile == name else config.profile
        save(replace(config, profiles=profiles, profile=default))
