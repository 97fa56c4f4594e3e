"""A profile and its files belong to one company: who may change that, and when."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from storeops import config, os_errors, paths, presence, secrets
from storeops.changes import owner
from storeops.config import Config, Profile
from storeops.database.database import Database
from storeops.errors import ConfigError, ConflictError
from storeops.i18n import _, aside, sentences
from storeops.os_errors import explain_os
from storeops.private_file import remove_folder


def must_own(profile: Profile, database: Database) -> None:
    """Refuse a data.db that holds another company's data; the first opening says whose it is.

    Raises:
        ConfigError: config.toml was changed by hand, or the file was put there.
    """
    mine = owner.identity(profile.corp_id, sandbox=profile.sandbox)
    found = owner.claim(database, mine)
    if found != mine:
        raise ConfigError(
            _("{path} holds the data of {there}, and the profile {name} is {here}.").format(
                path=database.path, there=found, name=profile.name, here=mine
            ),
            hint=_(
                "Put the old corp_id back in {path}, or add the other company under another name: "
                "`storeops profile add NAME`."
            ).format(path=paths.config_file()),
            next_steps=["storeops profile add NAME --corp-id ID"],
        )


def may_become(known: Profile | None, wanted: Profile) -> None:
    """Refuse to make a profile another company's while data of the old one lies in its folder.

    Args:
        known: the profile as it is, None for a new one.
        wanted: as it shall be.

    Raises:
        ConflictError: there is data of another company.
    """
    mine = owner.identity(wanted.corp_id, sandbox=wanted.sandbox)
    path = paths.profile_path(wanted.name) / "data.db"
    there = owner.of_file(path)
    if not there and known is not None and path.exists():
        there = owner.identity(known.corp_id, sandbox=known.sandbox)
    if there and there != mine:
        raise ConflictError(
            _("The profile {name} holds the data of {there}; it cannot become {here}.").format(
                name=wanted.name, there=there, here=mine
            ),
            hint=_(
                "Add the other company under another name. To begin anew under this one, keep a "
                "copy (`storeops db backup`), then `storeops profile remove {name} --data`."
            ).format(name=wanted.name),
            next_steps=["storeops profile add NAME --corp-id ID"],
        )


def refuse_same_variable(name: str, loaded: Config) -> None:
    """Refuse a new name that would share the variable of its secret with another profile.

    Raises:
        ConflictError: it would.
    """
    for other in loaded.profiles:
        if other != name and secrets.variable(other) == secrets.variable(name):
            raise ConflictError(
                _("The profiles {name} and {other} would share {variable}.").format(
                    name=name, other=other, variable=secrets.variable(name)
                ),
                hint=_("Choose a name that differs in letters or digits; nothing was saved."),
            )


def must_mean_one(name: str) -> None:
    """Refuse a secret from a variable that could mean another profile's as well.

    Raises:
        ConfigError: profiles like `a-b` and `a.b` share it, and it is set.
    """
    for kind in secrets.KINDS:
        variable = secrets.variable(name, kind)
        if not os.environ.get(variable):
            continue
        others = [
            each for each in config.load().profiles if secrets.variable(each, kind) == variable
        ]
        if len(others) > 1:
            raise ConfigError(
                _("{variable} could mean any of the profiles {names}.").format(
                    variable=variable, names=_(", ").join(others)
                ),
                hint=_(
                    "Keep these secrets in the file (`storeops profile add NAME --secret-stdin`) "
                    "and unset the variable, or give the profiles names that differ in letters."
                ),
            )


def same_company(known: Profile, wanted: Profile) -> bool:
    """Whether a change leaves a profile the same company's, of the same kind."""
    return (known.corp_id, known.sandbox) == (wanted.corp_id, wanted.sandbox)


def save(profile: Profile, *, make_default: bool = False) -> None:
    """Add or change a profile, unless that would give one company's files to another.

    Raises:
        ConflictError: it would, or its name shares a variable with another profile.
        ConfigError: a value is not understood, or the file cannot be written.
    """
    loaded = config.load()
    known = loaded.profiles.get(profile.name)
    may_become(known, profile)
    if known is None:
        refuse_same_variable(profile.name, loaded)
    elif not same_company(known, profile):
        secrets.forget(profile.name)  # what opened the old company's door is not the new one's
    config.save_profile(profile, make_default=make_default)


@contextmanager
def must_be_alone(name: str) -> Iterator[None]:
    """Refuse what takes a profile's files away while another process works with them.

    Nobody begins to work with them while the block runs.

    Raises:
        ConflictError: one does.
        ConfigError: the folder cannot be written.
    """
    folder = paths.profile_path(name)
    if not folder.exists():
        yield
        return
    with ExitStack() as held:
        try:
            alone = held.enter_context(presence.alone(folder))
        except OSError as error:
            raise explain_os(error, folder) or error from error
        if not alone:
            raise _at_work(name)
        yield


def _at_work(name: str) -> ConflictError:
    hint = _(
        "End syncs, workers, watches, receivers of events and screens first; nothing was changed."
    )
    found = presence.others(paths.profile_path(name))
    if found:
        who = _(", ").join(aside(f"storeops {noun}".strip(), f"pid {pid}") for pid, noun in found)
        hint = sentences(
            hint,
            _("At work: {who}. To end what you cannot find: {command}").format(
                who=who, command="kill " + " ".join(str(pid) for pid, _noun in found)
            ),
        )
    return ConflictError(_("Another storeops works with the profile {name}.").format(name=name),
                         hint=hint)  # fmt: skip


def remove_files(name: str) -> None:
    """Delete a profile's databases, journal and keys; its backups stay, under `backups/earlier`.

    Raises:
        ConflictError: another process works with them; nothing was deleted.
        ConfigError: they cannot be deleted.
    """
    folder = paths.profile_path(name)
    if not folder.exists():
        return
    try:
        with presence.alone(folder) as alone:
            if not alone:
                raise _at_work(name)
            if sys.platform != "win32":  # a folder with an open file cannot be moved there
                _take_away(folder)
        if sys.platform == "win32":
            _take_away(folder)
    except OSError as error:
        raise ConfigError(
            _("{path} cannot be deleted: {text}.").format(
                path=error.filename or folder, text=os_errors.reason(error)
            ),
            hint=_("Check the owner and the mode of the file and its folder."),
        ) from error


def _take_away(folder: Path) -> None:
    """All at once; where there are backups, everything beside them."""
    backups = paths.backups_path(folder.name)
    kept = sorted(backups.glob("*.db")) if backups.is_dir() else []
    earlier = backups / "earlier"
    if not kept and not earlier.is_dir():
        remove_folder(folder)
        return
    paths.private_folder(earlier)  # one level deeper they are no sign of a database that was lost
    for each in kept:
        each.rename(_free(earlier / each.name))
    aside = paths.private_folder(folder / ".removed")
    for each in folder.iterdir():
        if each not in (backups, aside):
            each.rename(aside / each.name)
    remove_folder(aside)


def _free(path: Path) -> Path:
    """A name nobody has, beside `path`."""
    number, free = 2, path
    while free.exists():
        number, free = number + 1, path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
