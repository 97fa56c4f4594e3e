"""Care rules: readable files, checked before they make a task.

```toml
name = "works"                    # the reason: one open task for a customer and reason
kind = "after-purchase"           # after-purchase | warranty | replenishment | silent | new-owner
days = 3                          # after the purchase or handover, before the warranty ends,
                                  # before the next purchase is due, without a purchase
text = "Ask whether {article} works."  # {article} {day} {days} {count} {giver} are filled in
articles = ["phones"]             # only these: codes or categories
orders = 3                        # silent: at least so many purchases
where = "segment:champion"        # only customers who fit this filter
workdays = true                   # due on a working day, the next one when it is none
expires = 14                      # days after which an open task lapses
priority = 5                      # the highest first when a guide has too many
```
A file may hold several rules as `[[rule]]` tables.
"""

from __future__ import annotations

import json
import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from storeops.database.database import Database
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import N_, _
from storeops.reading.filter import FilterError, parse
from storeops.spelling import did_you_mean

KINDS = {
    "after-purchase": N_("after a purchase"),
    "warranty": N_("before a warranty ends"),
    "replenishment": N_("before the next purchase is due"),
    "silent": N_("silent after many purchases"),
    "new-owner": N_("after a handover"),
}
TEXTS = {
    "after-purchase": N_("Bought {article} on {day}: ask whether it works."),
    "warranty": N_("The warranty of {article} ends on {day}: offer a check."),
    "replenishment": N_("{article} is due about {day}: remind."),
    "silent": N_("No purchase for {days} days after {count}: ask how things are."),
    "new-owner": N_("Taken over from {giver} on {day}: introduce yourself."),
}
KEYS = ("name", "kind", "days", "text", "articles", "orders", "where", "workdays", "expires",
        "priority")  # fmt: skip
PLACES = frozenset({"article", "day", "days", "count", "giver"})


@dataclass(frozen=True, slots=True)
class CareRule:
    """One rule; see the top of this file."""

    name: str
    kind: str
    days: int
    text: str = ""
    articles: tuple[str, ...] = ()
    orders: int = 2
    where: str = ""
    workdays: bool = False
    expires: int = 14
    priority: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As it is kept; JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> CareRule:
        """Of what `as_dict` gave."""
        return cls(**{**found, "articles": tuple(found["articles"])})

    def sentence(self, facts: Mapping[str, Any]) -> str:
        """What the guide is told."""
        return told(self.kind, self.text, facts)


def told(kind: str, text: str, facts: Mapping[str, Any]) -> str:
    """The sentence of a task."""
    filled = {each: facts.get(each, "") for each in PLACES}
    return (text or _(TEXTS[kind])).format(**filled)


def read(paths: Sequence[str]) -> list[CareRule]:
    """Rules of files, or of all *.toml files of folders, checked.

    Raises:
        NotFoundError: no such file, or no rules in a folder.
        UsageError: a file is not understood; names file, rule and key.
    """
    files: list[Path] = []
    for each in paths:
        path = Path(each).expanduser()
        found = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        if not found or not found[0].exists():
            raise NotFoundError(
                _("There is no rule file in {path}.").format(path=path)
                if path.is_dir()
                else _("There is no file {path}.").format(path=path),
                hint=_("Care rules are files like rules/care/works.toml."),
            )
        files += found
    rules: list[CareRule] = []
    for file in files:
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(
                _("{file} is not understood: {error}").format(file=file, error=error)
            ) from None
        tables = content.get("rule", [content])
        for table in tables if isinstance(tables, list) else [tables]:
            rule = _rule(str(file), table, file.stem)
            if any(each.name.casefold() == rule.name.casefold() for each in rules):
                raise UsageError(
                    _("{file}: two rules are called {name}.").format(file=file, name=rule.name)
                )
            rules.append(rule)
    return rules


def _rule(file: str, table: Any, stem: str) -> CareRule:
    def wrong(key: str, message: str, hint: str = "") -> UsageError:
        return UsageError(f"{file}, {key}: {message}", hint=hint)

    if not isinstance(table, dict):
        raise wrong("rule", _("it is no table"))
    for key in table:
        if key not in KEYS:
            raise wrong(
                key, _("no rule has this key"),
                did_you_mean(key, KEYS, _("Keys: {names}.").format(names=", ".join(KEYS))),
            )  # fmt: skip
    name, kind, text = table.get("name", stem), table.get("kind"), table.get("text", "")
    if not isinstance(name, str) or not 0 < len(name) <= 60:
        raise wrong("name", _("it is 1 to 60 characters"))
    if kind not in KINDS:
        raise wrong(
            "kind", _("“{value}” is none of {names}").format(
                value=str(kind)[:40], names=", ".join(KINDS)
            ),
            did_you_mean(str(kind), KINDS, ""),
        )  # fmt: skip
    numbers = {}
    for key, default, least, most in (
        ("days", None, 0, 3_650), ("orders", 2, 1, 10_000), ("expires", 14, 1, 3_650),
        ("priority", 0, -1_000, 1_000),
    ):  # fmt: skip
        value = table.get(key, default)
        if type(value) is not int or not least <= value <= most:
            raise wrong(
                key, _("it is a whole number from {least} to {most}").format(least=least, most=most)
            )
        numbers[key] = value
    articles, where = table.get("articles", []), table.get("where", "")
    if not isinstance(articles, list) or not all(isinstance(each, str) for each in articles):
        raise wrong("articles", _("it is a list of texts"))
    if not isinstance(text, str) or not isinstance(where, str):
        raise wrong("text" if not isinstance(text, str) else "where", _("it is a text"))
    try:
        places = {place for _text, place, _form, _conv in string.Formatter().parse(text) if place}
    except ValueError:
        raise wrong("text", _("its braces do not close")) from None
    if places - PLACES:
        raise wrong(
            "text", _("there is no {place} to fill in").format(place=sorted(places - PLACES)[0]),
            _("Known: {names}.").format(names=", ".join(sorted(PLACES))),
        )  # fmt: skip
    try:
        parse(where)
    except FilterError as error:
        raise wrong("where", error.message, error.hint) from None
    if not isinstance(table.get("workdays", False), bool):
        raise wrong("workdays", _("it is true or false"))
    return CareRule(
        name, kind, numbers["days"], text, tuple(each.strip("/") for each in articles),
        numbers["orders"], where, table.get("workdays", False), numbers["expires"],
        numbers["priority"],
    )  # fmt: skip


def in_force(db: Database) -> list[CareRule]:
    """The rules that make tasks, by name."""
    rows = db.execute("SELECT content FROM care_rule ORDER BY name")
    return [CareRule.from_dict(json.loads(content)) for (content,) in rows]


def adopt(db: Database, found: Sequence[CareRule], now: float) -> list[CareRule]:
    """Take rules into force; returns those that are new or changed."""
    known = {each.name.casefold(): each for each in in_force(db)}
    fresh = [each for each in found if known.get(each.name.casefold()) != each]
    with db.atomic() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO care_rule VALUES (?, ?, ?)",
            [(each.name, json.dumps(each.as_dict(), ensure_ascii=False), int(now))
             for each in fresh],
        )  # fmt: skip
    return fresh


def retire(db: Database, name: str) -> None:
    """Take a rule out of force; its open tasks stay.

    Raises:
        NotFoundError: no rule of that name is in force.
    """
    with db.atomic() as connection:
        gone = connection.execute("DELETE FROM care_rule WHERE name = ?", (name,)).rowcount
    if not gone:
        raise NotFoundError(
            _("No rule {name} is in force.").format(name=name),
            hint=_("`storeops care rule list` names them."),
        )
