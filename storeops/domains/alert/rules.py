"""Rules of alarms: files in rules/alert/*.toml; a kind without one goes by its defaults.

```toml
kind = "leaver_deadline"    # `storeops alert rules` lists the kinds
days = [30, 7, 1]           # the kind's settings
enabled = true
to = ["robot:ops"]          # where it is sent as well: way and name
```
A file may hold several rules as `[[rule]]` tables; a kind has one rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storeops import durations, paths
from storeops.domain import Domain, guarded, load, registry
from storeops.errors import StoreOpsError, UsageError
from storeops.i18n import _
from storeops.operations.alarms import AlarmKind
from storeops.private_file import read_toml
from storeops.spelling import did_you_mean

COMMON = ("kind", "enabled", "to")


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """How one kind is looked at.

    Attributes:
        name: of the kind.
        kind: what it is.
        domain: who brings it.
        settings: its settings; durations in seconds.
        written: the same as a person writes them.
        enabled: it is looked at.
        to: where its alarms are sent, as way:name.
        file: where the rule stands, "" for the defaults.
    """

    name: str
    kind: AlarmKind
    domain: Domain
    settings: Mapping[str, Any]
    written: Mapping[str, Any]
    enabled: bool = True
    to: tuple[str, ...] = ()
    file: str = ""


def kinds() -> dict[str, tuple[Domain, AlarmKind]]:
    """Every kind that a domain brings; one that does not import is left out, and in the log."""
    found = {}
    for name, (domain, where) in registry().named("alarms").items():
        with guarded(domain):
            found[name] = (domain, load(where))
    return found


def folder() -> Path:
    """rules/alert of the present folder, else of the folder of config.toml."""
    here = Path("rules/alert")
    return here if here.is_dir() else paths.config_dir() / "rules" / "alert"


def rules(files: Sequence[Path] | None = None) -> list[AlarmRule]:
    """One rule for each kind, in the order of domains.

    Args:
        files: of rules; None for those of `folder()`.

    Raises:
        UsageError: a file is not understood; names file and key.
    """
    known = kinds()
    written: dict[str, tuple[Path, dict[str, Any]]] = {}
    for path in sorted(folder().glob("*.toml")) if files is None else files:
        for table in _tables(path):
            name = table.get("kind")
            if not isinstance(name, str) or name not in known:
                listing = _("Known: {names}.").format(names=", ".join(known))
                raise UsageError(
                    _("{path}: there is no kind of alarm {name}.").format(path=path, name=name),
                    hint=did_you_mean(str(name), known, listing),
                )
            if name in written:
                raise UsageError(
                    _("{path}: {other} has a rule for {name} already.").format(
                        path=path, other=written[name][0], name=name
                    ),
                    hint=_("A kind has one rule; leave one of them out."),
                )
            written[name] = (path, table)
    return [_rule(name, *known[name], *written.get(name, (None, {}))) for name in known]


def _tables(path: Path) -> list[dict[str, Any]]:
    try:
        data = read_toml(path)
    except (OSError, ValueError) as error:
        raise UsageError(
            _("{path} is not understood: {error}").format(path=path, error=error)
        ) from None
    several = data.pop("rule", None)
    if several is None:
        return [data]
    if data or not isinstance(several, list) or not all(isinstance(each, dict) for each in several):
        raise UsageError(
            _("{path}: write either one rule, or several as [[rule]].").format(path=path)
        )
    return several


def _rule(
    name: str, domain: Domain, kind: AlarmKind, path: Path | None, table: Mapping[str, Any]
) -> AlarmRule:
    keys = [*COMMON, *kind.settings]
    for key in table:
        if key not in keys:
            raise UsageError(
                _("{path}: there is no key {key}.").format(path=path, key=key),
                hint=did_you_mean(key, keys, _("Known: {names}.").format(names=", ".join(keys))),
            )
    enabled, to = table.get("enabled", True), table.get("to", [])
    to = [to] if isinstance(to, str) else to
    if not isinstance(enabled, bool):
        raise UsageError(_("{path}: enabled must be true or false.").format(path=path))
    if not isinstance(to, list) or not all(isinstance(each, str) and ":" in each for each in to):
        raise UsageError(
            _("{path}: to must be a list of way:name, like robot:ops.").format(path=path)
        )
    written = {key: table.get(key, default) for key, default in kind.settings.items()}
    settings = {key: _value(path, key, each, kind.settings[key]) for key, each in written.items()}
    return AlarmRule(
        name, kind, domain, settings, written, enabled, tuple(to), str(path) if path else ""
    )


def _value(path: Path | None, key: str, value: Any, default: Any) -> Any:
    """A setting as its kind reads it; its default says what it is."""
    if isinstance(default, str):
        if value == "":
            return 0
        try:
            return durations.seconds(value) if isinstance(value, str) else None
        except StoreOpsError:
            pass
        raise UsageError(_("{path}: {key} must be a duration like 24h.").format(path=path, key=key))
    if isinstance(default, list):
        if isinstance(value, list) and value and all(type(each) is int for each in value):
            return value
        raise UsageError(
            _("{path}: {key} must be a list of whole numbers.").format(path=path, key=key)
        )
    if type(value) is not int or value < 0:
        raise UsageError(_("{path}: {key} must be a whole number.").format(path=path, key=key))
    return value
