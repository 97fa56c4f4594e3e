"""Secrets: the environment, else a 0600 file in a 0700 folder. Never shown, never logged.

Looked for in this order: `STOREOPS_SECRET_<PROFILE>` (the name in capitals, other characters as
`_`), then the profile's line in secrets.toml. A file that others may read is refused. A profile
may have two more, the token and the key of its callbacks, found in the same way.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storeops import paths
from storeops.errors import ConfigError
from storeops.i18n import _
from storeops.os_errors import explain_os
from storeops.private_file import read_toml, write_private

APP, CALLBACK_TOKEN, CALLBACK_KEY = "secret", "callback_token", "callback_key"
HUB = "hub"  # what a back office follows head office with
KINDS = (APP, CALLBACK_TOKEN, CALLBACK_KEY, HUB)


class Secret:
    """A secret that never shows itself: `repr`, `str` and f-strings give stars.

    Args:
        value: the secret.
        source: where it came from, for `profile show` and `doctor`.
    """

    __slots__ = ("_value", "source")

    def __init__(self, value: str, source: str) -> None:
        self._value = value
        self.source = source

    def reveal(self) -> str:
        """The secret itself; only the client asks."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(****)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def variable(profile: str, kind: str = APP) -> str:
    """Name of the environment variable of a profile's secret: its app's, or one of callbacks."""
    kind = re.sub(r"[^A-Z0-9]", "_", kind.upper())
    return f"STOREOPS_{kind}_" + re.sub(r"[^A-Z0-9]", "_", profile.upper())


def _line(profile: str, kind: str) -> str:
    """The key in secrets.toml; no profile's name can hold a colon."""
    return profile if kind == APP else f"{profile}:{kind}"


def check_modes(path: Path | None = None) -> None:
    """Refuse a secrets file, or its folder, that others may read. A missing file is fine.

    Raises:
        ConfigError: the mode is too wide, or the file is not ours.
    """
    path = path or paths.secrets_file()
    if sys.platform != "win32":
        for each, mode in ((path, 0o600), (path.parent, 0o700)):
            try:
                found = each.stat()
            except FileNotFoundError:
                return
            except OSError as error:
                raise explain_os(error, each) or error from None
            if stat.S_IMODE(found.st_mode) & 0o077 or found.st_uid not in (os.geteuid(), 0):
                raise ConfigError(
                    _("{path} may be read by others, so it is not used.").format(path=each),
                    hint=_("Close it with `chmod {mode:o} {path}`, then change the secret.").format(
                        mode=mode, path=each
                    ),
                    next_steps=[f"chmod {mode:o} {each}"],
                )


def _read(path: Path) -> dict[str, Any]:
    check_modes(path)
    try:
        return read_toml(path)
    except FileNotFoundError:
        return {}
    except ValueError:
        # the parser's message could quote the secret
        raise ConfigError(
            _("{path} is not valid TOML.").format(path=path),
            hint=_("Delete it and enter the secrets again with `storeops profile add`."),
        ) from None
    except OSError as error:
        raise explain_os(error, path) or error from None


def find(profile: str, kind: str = APP) -> Secret | None:
    """The secret of a profile, None when there is none.

    Args:
        profile: its name.
        kind: one of `KINDS`, or of a robot.

    Raises:
        ConfigError: the file may be read by others, or is malformed.
    """
    name = variable(profile, kind)
    value = os.environ.get(name, "")
    if value:
        return Secret(value, name)
    path = paths.secrets_file()
    kept = _read(path).get(_line(profile, kind), "")
    return Secret(kept, str(path)) if isinstance(kept, str) and kept else None


def get(profile: str) -> Secret:
    """The secret of a profile.

    Raises:
        ConfigError: there is none, or the file cannot be trusted or read.
    """
    secret = find(profile)
    if secret is None:
        raise ConfigError(
            _("The profile {name} has no secret.").format(name=profile),
            hint=_(
                "Enter it with `storeops profile add {name}`, or set {variable} in the environment."
            ).format(name=profile, variable=variable(profile)),
            next_steps=[f"storeops profile add {profile}"],
        )
    return secret


def save(profile: str, value: str) -> None:
    """Keep a secret in secrets.toml (0600, folder 0700).

    Raises:
        ConfigError: the file cannot be trusted, read or written.
    """
    _change({_line(profile, APP): value})


def save_callback(profile: str, token: str, encoding_aes_key: str) -> None:
    """Keep token and key of a profile's callbacks, both or neither.

    Raises:
        ConfigError: the file cannot be trusted, read or written.
    """
    _change({_line(profile, CALLBACK_TOKEN): token, _line(profile, CALLBACK_KEY): encoding_aes_key})


def save_hub(profile: str, value: str) -> None:
    """Keep what a back office follows head office with.

    Raises:
        ConfigError: the file cannot be trusted, read or written.
    """
    _change({_line(profile, HUB): value})


def every(profile: str) -> dict[str, str]:
    """All secrets of a profile by kind, those of robots too; for another host of head office.

    Raises:
        ConfigError: the file may be read by others, or is malformed.
    """
    kinds = (*KINDS, *_robots(profile))
    return {kind: found.reveal() for kind in kinds if (found := find(profile, kind)) is not None}


def keep(profile: str, values: Mapping[str, str]) -> None:
    """Keep what `every` gave elsewhere.

    Raises:
        ConfigError: the file cannot be trusted, read or written.
    """
    _change({_line(profile, kind): value for kind, value in values.items()})


def robot(profile: str, name: str) -> Secret | None:
    """The key of a group's robot, None when there is none.

    Args:
        profile: whose.
        name: what the robot is called there.

    Raises:
        ConfigError: the file may be read by others, or is malformed.
    """
    return find(profile, _robot(name))


def save_robot(profile: str, name: str, key: str) -> None:
    """Keep the key of a group's robot.

    Raises:
        ConfigError: the file cannot be trusted, read or written.
    """
    _change({_line(profile, _robot(name)): key})


def forget_robot(profile: str, name: str) -> None:
    """Remove the key of a group's robot, if it is there.

    Raises:
        ConfigError: the file cannot be trusted, read or written.
    """
    _change({_line(profile, _robot(name)): None})


def _robot(name: str) -> str:
    return f"robot_{name.casefold()}"


def forget(profile: str) -> None:
    """Remove everything of a profile from secrets.toml, if it is there.

    Raises:
        ConfigError: the file cannot be trusted, read or written.
    """
    _change({_line(profile, kind): None for kind in (*KINDS, *_robots(profile))})


def _robots(profile: str) -> list[str]:
    return [
        line.partition(":")[2]
        for line in _read(paths.secrets_file())
        if line.startswith(f"{profile}:robot_")
    ]


def _change(changes: dict[str, str | None]) -> None:
    from filelock import FileLock  # 8 ms, only when something is written

    path = paths.secrets_file()
    try:
        paths.private_folder(path.parent)
        with FileLock(f"{path}.lock", timeout=10, mode=0o600):
            kept = _read(path)
            kept.update(changes)
            write_private(path, {key: value for key, value in kept.items() if value is not None})
    except OSError as error:
        raise explain_os(error, path) or error from None
