"""`storeops config`: settings in config.toml, read and written one by one."""

from __future__ import annotations

import tomllib
from typing import Annotated, Any

import typer

from commands import output
from commands.option_sets import option_sets
from commands.output import Column
from commands.page_options import PageOptions
from storeops import config, paths, times
from storeops.ceilings import CallLimits, Ceilings
from storeops.config import Profile
from storeops.durations import duration
from storeops.errors import ConfigError, ConflictError, NotFoundError, UsageError
from storeops.i18n import _
from storeops.spelling import did_you_mean

app = typer.Typer(help=_("Settings in config.toml: list, get, set."))


def _keys(incomplete: str) -> list[str]:
    """Settings that begin with what was typed; none when the file is not understood."""
    try:
        return [each for each in _everything(config.load()) if each.startswith(incomplete)]
    except Exception:  # a shell must never see an error while completing
        return []


Key = Annotated[
    str,
    typer.Argument(
        metavar="KEY",
        autocompletion=_keys,
        help=_("Like language, or profiles.main.read_only."),
    ),
]


@app.command("list", help=_("List every setting in force, with its default."))
@option_sets
def list_(page: PageOptions = PageOptions(limit=500)) -> None:
    """Print all keys."""
    loaded = config.load()
    written = _flat(config.as_dict(loaded))
    rows = [
        {"key": key, "value": value, "set": key in written}
        for key, value in _everything(loaded).items()
    ]
    output.paged(
        rows,
        [
            Column("key", _("Setting")),
            Column("value", _("Value")),
            Column("set", _("Set"), show=lambda value: "*" if value else ""),
        ],
        page=page,
        extra={"file": str(paths.config_file())},
    )


@app.command("get", help=_("Print one setting."))
def get(key: Key) -> None:
    """Print the value alone."""
    everything = _everything(config.load())
    if key not in everything:
        raise _unknown(key, everything)
    value = everything[key]
    output.result({"key": key, "value": value}, "" if value is None else _text(value))


@app.command("set", help=_("Change one setting; an empty value puts the default back."))
def set_(
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help=_("The new value."))],
) -> None:
    """Write config.toml whole, or not at all."""
    with config.editing() as write:
        loaded = config.load()
        everything = _everything(loaded)
        if key not in everything:
            raise _unknown(key, everything)
        data = config.as_dict(loaded)
        table = data
        *way, last = key.split(".")
        for part in way:
            table = table.setdefault(part, {})
        if value == "":
            table.pop(last, None)
        else:
            table[last] = _parse(value, everything[key], key)
        try:
            changed = config.from_dict(data)
        except ConfigError as error:  # the word is wrong, not the file
            raise UsageError(error.message, hint=error.hint) from None
        if key == "profile" and value:
            changed.choose(value)
        for name, profile in changed.profiles.items():
            _must_stay(loaded.profiles[name], profile)
        write(changed)
    now = _everything(config.load())[key]
    output.result({"key": key, "value": now}, f"{key} = {_text(now)}")


def _must_stay(known: Profile, wanted: Profile) -> None:
    """A setting does not make a profile another company's: address, secret and files are its own.

    Raises:
        ConflictError: it would.
    """
    from storeops.operations import ownership

    if ownership.same_company(known, wanted):
        return
    ownership.may_become(known, wanted)
    if known.corp_id != wanted.corp_id:
        raise ConflictError(
            _("The profile {name} would become another company's.").format(name=known.name),
            hint=_("`storeops profile add` asks for what belongs to it: address, app and secret."),
            next_steps=[f"storeops profile add {known.name} --corp-id {wanted.corp_id}"],
        )


def _everything(loaded: config.Config) -> dict[str, Any]:
    """Every key with the value in force; None for what has no value."""
    values: dict[str, Any] = {
        "language": loaded.language or None,
        "profile": loaded.profile or None,
        "stale_after": duration(loaded.stale_after),
        "time_zone": loaded.time_zone or times.DEFAULT,
    }
    for name, profile in loaded.profiles.items():
        for field in Profile.__dataclass_fields__:
            if field == "name":
                continue
            value = getattr(profile, field)
            if isinstance(value, CallLimits | Ceilings):
                for inner in value.__dataclass_fields__:
                    values[f"profiles.{name}.{field}.{inner}"] = getattr(value, inner)
            else:
                value = list(value) if isinstance(value, tuple) else value
                values[f"profiles.{name}.{field}"] = value
    return values


def _flat(data: dict[str, Any], before: str = "") -> set[str]:
    keys = set()
    for key, value in data.items():
        if isinstance(value, dict):
            keys |= _flat(value, f"{before}{key}.")
        else:
            keys.add(before + key)
    return keys


def _parse(text: str, present: Any, key: str) -> Any:
    """The value as TOML would have it: lists by commas, true/false, numbers, else text."""
    if key.endswith(".allow"):
        return [each.strip() for each in text.split(",") if each.strip()]
    if isinstance(present, int):
        try:
            return tomllib.loads(f"value = {text.lower()}")["value"]
        except tomllib.TOMLDecodeError:
            return text  # the reader says what is expected
    return text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def _unknown(key: str, everything: dict[str, Any]) -> NotFoundError | UsageError:
    return NotFoundError(
        _("There is no setting {key}.").format(key=key),
        hint=did_you_mean(key, everything, _("`storeops config list` shows them all.")),
        next_steps=["storeops config list"],
    )
