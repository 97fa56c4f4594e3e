"""Every directory and file storeops uses, in one place.

`STOREOPS_HOME` moves them all (tests, cron, portable installs). Folders are made 0700, since they
hold people and tokens, and only when something is about to be written there.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

_PROFILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")


def valid_profile_name(name: str) -> bool:
    """Whether `name` may name a profile (it becomes a folder): letters, digits, `_ . -`, ≤64."""
    return bool(_PROFILE_NAME.match(name)) and ".." not in name


def private_folder(folder: Path) -> Path:
    """`folder`, made 0700 with its parents if it does not exist.

    Raises:
        OSError: it cannot be made.
    """
    if not folder.is_dir():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.mkdir(exist_ok=True, mode=0o700)
        except FileExistsError as error:  # a file has its name, or its parent's
            raise NotADirectoryError(
                errno.ENOTDIR, os.strerror(errno.ENOTDIR), error.filename
            ) from None
    return folder


def _folder(kind: str) -> Path:
    home = os.environ.get("STOREOPS_HOME", "")
    if home:
        try:
            return Path(home).expanduser() / kind
        except RuntimeError:  # ~somebody whom this machine does not know
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), home) from None
    import platformdirs  # 3 ms, and only without STOREOPS_HOME

    folders = platformdirs.PlatformDirs("storeops", appauthor=False)
    return {
        "config": folders.user_config_path,
        "data": folders.user_data_path,
        "log": folders.user_log_path,
    }[kind]


def config_dir() -> Path:
    """Folder of config.toml and secrets.toml; may not exist yet."""
    return _folder("config")


def config_file() -> Path:
    """config.toml; holds no secret; may not exist yet."""
    return config_dir() / "config.toml"


def secrets_file() -> Path:
    """secrets.toml (0600); may not exist yet."""
    return config_dir() / "secrets.toml"


def log_file() -> Path:
    """The log (0600), named by `storeops doctor`; may not exist yet."""
    return _folder("log") / "storeops.log"


def profile_path(profile: str) -> Path:
    """Folder of one profile's databases; may not exist yet."""
    return _folder("data") / profile


def profile_dir(profile: str) -> Path:
    """Folder of one profile's databases, made 0700."""
    return private_folder(profile_path(profile))


def data_db(profile: str) -> Path:
    """Mirror, ledger and notebook of a profile."""
    return profile_dir(profile) / "data.db"


def data_file(profile: str) -> Path:
    """The same, for who only names it: no folder is made."""
    return _folder("data") / profile / "data.db"


def run_db(profile: str) -> Path:
    """Limits, token and leases of a profile; disposable."""
    return profile_dir(profile) / "run.db"


def inbox_db(profile: str) -> Path:
    """Events as they came in, synchronous=FULL."""
    return profile_dir(profile) / "inbox.db"


def backups_path(profile: str) -> Path:
    """Where backups of a profile lie; may not exist yet."""
    return profile_path(profile) / "backups"


def backups_dir(profile: str) -> Path:
    """Where `storeops db backup` puts files unless told otherwise, made 0700."""
    profile_dir(profile)
    return private_folder(backups_path(profile))


def sandbox_dir() -> Path:
    """Where a detached sandbox leaves its address and log, made 0700."""
    return private_folder(_folder("data") / "sandboxes")


def scratch_dir() -> Path:
    """Notes of files that are being written (private_file.py); may not exist yet.

    The dot keeps it apart from the folders of profiles, whose names begin with none.
    """
    return _folder("data") / ".scratch"


def fixtures_dir() -> Path:
    """Demo data and samples: packaged beside the core, or at the top of a checkout.

    An editable install does not place force-included files, so the checkout is looked at too.
    """
    packaged = Path(__file__).parent / "_fixtures"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "fixtures"
