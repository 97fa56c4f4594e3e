"""TOML files that people write, and the rules in them; what is wrong is told with file and key.

```toml
name = "works"          # a file is one rule, or several as [[rule]] tables
```
A folder stands for its *.toml files, hidden ones excepted. A rule without a name has its file's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from storeops import paths
from storeops.errors import ConfigError, NotFoundError, StoreOpsError, UsageError
from storeops.i18n import _, labelled
from storeops.os_errors import explain_os
from storeops.private_file import read_toml
from storeops.toml.values import Reader, SettingProblem, table


class NamedRule(Protocol):
    """What a rule becomes."""

    @property
    def name(self) -> str:
        """What people call it."""


Made = TypeVar("Made", bound=NamedRule)


@contextmanager
def understood(
    file: Path | None, error: type[StoreOpsError] = ConfigError, within: str = ""
) -> Iterator[None]:
    """What readers of values raise inside becomes one sentence that names the file.

    Args:
        file: to name; None for values that are in no file yet.
        error: what is raised.
        within: which of several tables is read, for the sentence.
    """
    try:
        yield
    except SettingProblem as problem:
        text = (
            _("{where} is missing; expected {expected}.") if problem.missing
            else _("{where} is not understood; expected {expected}.")
        ).format(where=within + problem.where, expected=problem.expected)  # fmt: skip
        usual = _("Correct that line.") if file else _("Nothing was changed.")
        raise error(labelled(file, text) if file else text, hint=problem.hint or usual) from None


def document(file: Path, error: type[StoreOpsError] = ConfigError) -> dict[str, Any]:
    """A file as TOML has it.

    Raises:
        NotFoundError: there is none.
        StoreOpsError: `error`: no TOML, no UTF-8, too large or too deep.
        ConfigError: the system does not let us read it.
    """
    try:
        return read_toml(file)
    except FileNotFoundError:
        raise NotFoundError(_("There is no file {path}.").format(path=file)) from None
    except ValueError as problem:
        raise error(
            _("{path} is not valid TOML: {text}.").format(path=file, text=problem),
            hint=_("Correct that line; nothing was changed."),
        ) from None
    except OSError as problem:
        raise explain_os(problem, file) or problem from None


@dataclass(frozen=True, slots=True)
class RuleTable:
    """One rule as it is written.

    Attributes:
        file: where it stands.
        name: of the file, with a number when the file holds several.
        content: what TOML made of it.
    """

    file: Path
    name: str
    content: dict[str, Any]

    def read(self, readers: Mapping[str, Reader], needed: Iterable[str] = ()) -> dict[str, Any]:
        """Its keys; see `values.table`."""
        return table("", self.content, readers, needed)


def rules_folder(name: str) -> Path:
    """rules/NAME of the present folder, else of the folder of config.toml."""
    here = Path("rules", name)
    return here if here.is_dir() else paths.config_dir() / "rules" / name


def toml_files(folder: Path) -> list[Path]:
    """The *.toml files of a folder by name; hidden ones are none (locks of editors: `.#a.toml`)."""
    return sorted(each for each in folder.glob("*.toml") if not each.name.startswith("."))


def _one_for_each(once: str, name: str, other: Path) -> SettingProblem:
    wanted = _("one rule for each; {other} has {name} already").format(other=other, name=name)
    return SettingProblem(once, wanted, _("Leave one of them out."))


def repeated(once: str, rules: Iterable[tuple[Path, str]]) -> StoreOpsError | None:
    """What is wrong with rules that were read file by file: two of one name; None when nothing is.

    Args:
        once: the key that says the name.
        rules: (file, name) of each.
    """
    names: dict[str, Path] = {}
    for file, name in rules:
        if (other := names.setdefault(name.casefold(), file)) != file:
            try:
                with understood(file, UsageError):
                    raise _one_for_each(once, name, other)
            except StoreOpsError as error:
                return error
    return None


def read_rules(
    paths: Iterable[str | Path], rule: Callable[[RuleTable], Made], *, example: str,
    once: str = "",
) -> list[Made]:  # fmt: skip
    """The rules of files, or of all *.toml files of folders.

    Args:
        paths: of both.
        rule: makes one of its table; may raise `SettingProblem`.
        example: a file's name, for who has none.
        once: the key that says its `name`, when no two may have the same; else "".

    Raises:
        NotFoundError: no such file, or no rules in a folder.
        UsageError: a file is not understood; names file, rule and key.
    """
    found: list[Made] = []
    names: dict[str, Path] = {}
    for file in (each for path in paths for each in _files(Path(path).expanduser(), example)):
        contents = _contents(file)
        for number, content in enumerate(contents, start=1):
            several = len(contents) > 1
            name = f"{file.stem} {number}" if several else file.stem
            within = _("rule {number}, ").format(number=number) if several else ""
            with understood(file, UsageError, within):
                made = rule(RuleTable(file, name, content))
                if once and (other := names.get(made.name.casefold())):
                    raise _one_for_each(once, made.name, other)
            names[made.name.casefold()] = file
            found.append(made)
    return found


def _files(path: Path, example: str) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = toml_files(path)
    if not found:
        raise NotFoundError(
            _("There is no rule file in {path}.").format(path=path),
            hint=_("Rules are files like {example}.").format(example=example),
        )
    return found


def _contents(file: Path) -> list[dict[str, Any]]:
    data = document(file, UsageError)
    if "rule" not in data:
        return [data]
    several = data["rule"] if isinstance(data["rule"], list) else [data["rule"]]
    if len(data) > 1 or not all(isinstance(each, dict) for each in several):
        raise UsageError(
            _("{path}: write either one rule, or several as [[rule]].").format(path=file)
        )
    return several
