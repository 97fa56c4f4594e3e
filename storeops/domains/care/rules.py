"""Care rules: readable files, checked before they make a task.

```toml
name = "works"                    # the reason: one open task for a customer and reason
kind = "after-purchase"           # after-purchase | warranty | replenishment | silent | birthday
                                  # | complaint | new-owner
days = 3                          # after the purchase or handover, before the warranty ends,
                                  # before the next purchase is due or the birthday, without a
                                  # purchase; complaint: asked again after so many, while open
text = "Ask whether {article} works."  # {article} {day} {days} {count} {giver} {prefers} {about}
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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from storeops.database.database import Database
from storeops.errors import NotFoundError
from storeops.i18n import N_, _
from storeops.reading.filter import FilterError, parse
from storeops.toml import values
from storeops.toml.files import RuleTable, read_rules
from storeops.toml.values import SettingProblem

KINDS = {
    "after-purchase": N_("after a purchase"),
    "warranty": N_("before a warranty ends"),
    "replenishment": N_("before the next purchase is due"),
    "silent": N_("silent after many purchases"),
    "birthday": N_("before a birthday"),
    "complaint": N_("while a complaint is open"),
    "new-owner": N_("after a handover"),
}
ASKED = {
    "recall": N_("when a lot is called back"),
    "recall-possible": N_("when a lot is called back"),
}  # kinds that other domains ask for
TEXTS = {
    "after-purchase": N_("Bought {article} on {day}: ask whether it works."),
    "warranty": N_("The warranty of {article} ends on {day}: offer a check."),
    "replenishment": N_("{article} is due about {day}: remind."),
    "silent": N_("Last purchase {days} d ago, {count} in all: ask how things are."),
    "birthday": N_("Birthday on {day}: congratulate."),
    "complaint": N_("The complaint of {day} is open: {about}"),
    "new-owner": N_("Taken over from {giver} on {day}: introduce yourself."),
    "recall": N_("Bought {article} on {day}, lot {lot} is called back: use none, bring it back."),
    "recall-possible": N_(
        "Bought {article} on {day}, perhaps of lot {lot}, which is called back: ask to look."
    ),
}
_WITH_HABITS = N_(
    "Taken over from {giver} on {day}: introduce yourself. Bought {article}, likes {prefers}."
)
PLACES = frozenset({"article", "day", "days", "count", "giver", "prefers", "about"})
DEFAULTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "works-3": ("after-purchase", {"days": 3, "priority": 5}, N_("does it work?")),
    "works-7": ("after-purchase", {"days": 7, "workdays": True}, N_("and after a week?")),
    "warranty": ("warranty", {"days": 30}, N_("a check before the warranty ends")),
    "replenishment": (
        "replenishment",
        {"days": 1, "expires": 5},
        N_("what is used up is due again"),
    ),
    "birthday": (
        "birthday",
        {"days": 0, "expires": 1, "priority": 6},
        N_("on the day, where it is known"),
    ),
    "silent": ("silent", {"days": 60, "orders": 4, "priority": 3}, N_("came often, and no more")),
    "complaint": ("complaint", {"days": 2, "priority": 10}, N_("asked again until it is settled")),
    "new-owner": ("new-owner", {"days": 0, "priority": 9}, N_("introduce yourself")),
}  # name → (kind, what differs from a rule's own defaults, what it is for)


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
        return sentence(self.kind, self.text, facts)


def sentence(kind: str, text: str, facts: Mapping[str, Any]) -> str:
    """The sentence of a task."""
    filled = {each: facts.get(each, "") for each in (*PLACES, "lot")}
    usual = _WITH_HABITS if kind == "new-owner" and facts.get("article") else TEXTS[kind]
    return (text or _(usual)).format(**filled)


def default_rules() -> list[CareRule]:
    """The rules that `care rule use` without files takes."""
    return [
        CareRule(name, kind, **{"days": 0, **more}) for name, (kind, more, _why) in DEFAULTS.items()
    ]


def template() -> str:
    """The same as a file to change and to adopt."""
    parts = []
    for name, (kind, more, why) in DEFAULTS.items():
        lines = [f"# {_(why)}", "[[rule]]", f'name = "{name}"', f'kind = "{kind}"']
        lines += [f"{key} = {json.dumps(value)}" for key, value in more.items()]
        lines.append(f"# text = {json.dumps(_(TEXTS[kind]), ensure_ascii=False)}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def read(paths: Iterable[str]) -> list[CareRule]:
    """Rules of files and folders, checked; raises as `read_rules` does."""
    return read_rules(paths, _rule, example="rules/care/works.toml", once="name")


def _rule(table: RuleTable) -> CareRule:
    return CareRule(**{"name": table.name, **table.read(_FIELDS, needed=("kind", "days"))})


def _text(where: str, value: Any) -> str:
    text = values.text(where, value)
    try:
        places = {
            f"{place}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}"
            for _text, place, form, conversion in string.Formatter().parse(text)
            if place is not None
        }
    except ValueError:
        raise SettingProblem(where, _("text whose braces close")) from None
    if places - PLACES:
        known = " ".join(f"{{{each}}}" for each in sorted(PLACES))
        raise SettingProblem(
            where, _("no {{{place}}}, but {known}").format(
                place=sorted(places - PLACES)[0], known=known
            ),
        )  # fmt: skip
    return text


def _where(where: str, value: Any) -> str:
    try:
        parse(values.text(where, value))
    except FilterError as error:
        expected = _("a filter: {trouble}").format(trouble=error.message.rstrip(".。"))
        raise SettingProblem(where, expected, error.hint) from None
    return str(value)


def _articles(where: str, value: Any) -> tuple[str, ...]:
    return tuple(each.strip("/") for each in values.texts(where, value))


_FIELDS: dict[str, values.Reader] = {
    "name": values.name,
    "kind": values.one_of(KINDS),
    "days": values.whole(0, 3_650),
    "text": _text,
    "articles": _articles,
    "orders": values.whole(1, 10_000),
    "where": _where,
    "workdays": values.flag,
    "expires": values.whole(1, 3_650),
    "priority": values.whole(-1_000, 1_000),
}


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
