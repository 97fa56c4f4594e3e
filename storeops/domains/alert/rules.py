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

from storeops.domain import Domain, registry
from storeops.i18n import _
from storeops.operations.alarms import AlarmKind
from storeops.toml import values
from storeops.toml.files import RuleTable, read_rules, rules_folder, toml_files
from storeops.toml.values import SettingProblem


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
        kind = registry().loaded(domain, where, AlarmKind)
        if kind is not None:
            found[name] = (domain, kind)
    return found


def folder() -> Path:
    """Where its rules lie."""
    return rules_folder("alert")


def rules(files: Sequence[Path] | None = None) -> list[AlarmRule]:
    """One rule for each kind, in the order of domains.

    Args:
        files: of rules; None for those of `folder()`.

    Raises:
        NotFoundError, UsageError: as `read_rules` does.
    """
    known = kinds()
    found = read_rules(
        toml_files(folder()) if files is None else files,
        lambda table: _rule(table, known), example="rules/alert/disk.toml", once="kind",
    )  # fmt: skip
    written = {each.name: each for each in found}
    return [
        written.get(name) or _rule(RuleTable(Path(), name, {"kind": name}), known) for name in known
    ]


def _rule(table: RuleTable, known: Mapping[str, tuple[Domain, AlarmKind]]) -> AlarmRule:
    name = values.one_of(known)("kind", table.content.get("kind"))
    domain, kind = known[name]
    readers = {key: _reader(default) for key, default in kind.settings.items()}
    found = table.read({"kind": values.text, "enabled": values.flag, "to": _to, **readers})
    written = {key: table.content.get(key, default) for key, default in kind.settings.items()}
    return AlarmRule(
        name, kind, domain, {key: readers[key](key, each) for key, each in written.items()},
        written, found.get("enabled", True), found.get("to", ()),
        str(table.file) if table.file.name else "",
    )  # fmt: skip


def _reader(default: Any) -> values.Reader:
    """What reads a setting of a kind; its default says what it is."""
    if isinstance(default, str):
        return lambda where, value: values.duration(where, value) if value != "" else 0
    return values.wholes if isinstance(default, list) else values.whole(0)


def _to(where: str, value: Any) -> tuple[str, ...]:
    found = values.text_or_texts(where, value)
    if not all(":" in each for each in found):
        raise SettingProblem(where, _("a list of way:name, like robot:ops"))
    return found
