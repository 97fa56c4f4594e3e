"""Commission rules: readable files, checked before anybody is paid by them, kept by version.

```toml
name = "phones"
scheme = "split"                 # first-bind | last-touch | till | split
shares = { owner = 60, server = 20, seller = 20 }  # of split, per cent, 100 in all; pool is one
from = 2026-01-01                # of orders paid from this day
until = 2026-12-31               # and up to the end of this one
shops = ["N001"]                 # only these; likewise channels and categories
channels = ["till"]
categories = ["phones"]
priority = 10                    # of several that fit the highest counts; 0 when absent
bind_days = 365                  # an owner counts for so long after adding the customer; 0 for ever
within_days = 30                 # last-touch: a service counts for so long
missing = "pool"                 # a share of nobody: pool | owner | others
rate = "3%"                      # what is paid of a share; absent: shares only
[protection]                     # after a handover the former owner keeps a part
days = 30
former = 40                      # per cent of the owner's share
```
A file may hold several rules as `[[rule]]` tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from storeops import times
from storeops.domains.orders.sold import SoldLine
from storeops.i18n import _
from storeops.toml import values
from storeops.toml.files import RuleTable, read_rules
from storeops.toml.values import SettingProblem

SCHEMES = ("first-bind", "last-touch", "till", "split")
ROLES = ("owner", "server", "seller", "pool")
MISSING = ("pool", "owner", "others")
ALONE = {"first-bind": "owner", "last-touch": "server", "till": "seller"}  # who has all of it
WHOLE = 10_000  # hundredths of a per cent


@dataclass(frozen=True, slots=True)
class CommissionRule:
    """One rule.

    Attributes:
        name, version: 0 while it is not adopted.
        scheme: one of `SCHEMES`.
        shares: (role, hundredths of a per cent), 10,000 in all.
        since, until: Unix seconds, until exclusive; None unbounded.
        shops, channels, categories: only these; empty for all.
        priority: the highest that fits counts.
        bind_days, within_days: 0 for ever.
        missing: where a share of nobody goes.
        rate: millionths that are paid of a share; 0 for none.
        protection_days, protected: how long, and how much (hundredths of a per cent) a former
            owner keeps.
    """

    name: str
    version: int
    scheme: str
    shares: tuple[tuple[str, int], ...]
    since: int | None = None
    until: int | None = None
    shops: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    priority: int = 0
    bind_days: int = 0
    within_days: int = 0
    missing: str = "pool"
    rate: int = 0
    protection_days: int = 0
    protected: int = 0

    @property
    def narrowness(self) -> int:
        """How many conditions it has; of equal priority the narrower one counts."""
        bounded = self.since is not None or self.until is not None
        return sum(map(bool, (self.shops, self.channels, self.categories))) + bounded

    def fits(self, line: SoldLine) -> bool:
        """Whether it is about a line."""
        return (
            (self.since is None or line.paid_at >= self.since)
            and (self.until is None or line.paid_at < self.until)
            and (not self.shops or line.shop.casefold() in map(str.casefold, self.shops))
            and (not self.channels or line.channel.casefold() in map(str.casefold, self.channels))
            and (not self.categories or any(
                f"{line.category.casefold()}/".startswith(f"{each.casefold()}/")
                for each in self.categories
            ))
        )  # fmt: skip

    @property
    def rank(self) -> tuple[int, int, str]:
        """What sorts the rule that counts first: by priority, narrowness, name."""
        return -self.priority, -self.narrowness, self.name

    def covers(self, other: CommissionRule) -> bool:
        """Whether it fits every line that another fits."""
        within = [
            not mine or (bool(theirs) and set(_folded(theirs)) <= set(_folded(mine)))
            for mine, theirs in ((self.shops, other.shops), (self.channels, other.channels))
        ]
        mine = tuple(f"{each}/" for each in _folded(self.categories))
        theirs = [f"{each}/" for each in _folded(other.categories)]
        return (
            all(within)
            and (not mine or (bool(theirs) and all(each.startswith(mine) for each in theirs)))
            and (self.since is None or (other.since or -1) >= self.since)
            and (self.until is None or (other.until is not None and other.until <= self.until))
        )

    def as_dict(self) -> dict[str, Any]:
        """As it is kept; JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> CommissionRule:
        """Of what `as_dict` gave."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in found.items()
        }
        values["shares"] = tuple((role, int(share)) for role, share in found["shares"])
        return cls(**values)


def chosen(rules: Sequence[CommissionRule], line: SoldLine) -> CommissionRule | None:
    """The rule that counts for a line, if any fits it."""
    return min(
        (each for each in rules if each.fits(line)), key=lambda each: each.rank, default=None
    )


def outranked(rules: Sequence[CommissionRule]) -> list[tuple[CommissionRule, CommissionRule]]:
    """The rules that never count, each with one that comes before it wherever it fits."""
    first = sorted(rules, key=lambda each: each.rank)
    found = (
        (rule, next((each for each in first[:at] if each.covers(rule)), None))
        for at, rule in enumerate(first)
    )
    return [(rule, by) for rule, by in found if by is not None]


def _folded(names: Sequence[str]) -> list[str]:
    return [each.casefold() for each in names]


# -- files ----------------------------------------------------------------------------------------


def template() -> str:
    """A first rule as a file to change and to adopt, and one of another kind commented out."""
    return f"""\
# {_("whoever added the customer first of those who have it then has the sale")}
[[rule]]
name = "house"
scheme = "first-bind"  # first-bind | last-touch | till | split
rate = "3%"  # {_("what is paid of a share")}

[rule.protection]  # {_("after a handover")}
days = 30
former = 40  # {_("per cent of the owner's share stay with the former owner")}

# {_("phones are shared; the rule with the highest priority counts")}
# [[rule]]
# name = "phones"
# scheme = "split"
# shares = {{ owner = 60, server = 20, seller = 20 }}
# categories = ["phones"]
# priority = 10
# rate = "3%"
"""


def read(paths: Iterable[str]) -> list[CommissionRule]:
    """Rules of files and folders, checked; raises as `read_rules` does."""
    return read_rules(paths, _rule, example="rules/commission/phones.toml", once="name")


def _rule(table: RuleTable) -> CommissionRule:
    split = table.content.get("scheme") == "split"
    found = table.read(_FIELDS, needed=("scheme", "shares") if split else ("scheme",))
    first, last = found.pop("from", None), found.pop("until", None)
    if first and last and last < first:
        raise SettingProblem("until", _("a day that is not before from"))
    if not split:
        if "shares" in found:
            raise SettingProblem("shares", _("none, for only split has shares"))
        found["shares"] = ((ALONE[found["scheme"]], WHOLE),)
    return CommissionRule(
        **{"name": table.name, "version": 0, **found.pop("protection", {}), **found},
        since=first and _start(first), until=last and _start(last) + 86_400,
    )  # fmt: skip


def _start(day: date) -> int:
    return int(times.start(day.year, day.month, day.day).timestamp())


def _shares(where: str, value: Any) -> tuple[tuple[str, int], ...]:
    if not value:
        raise SettingProblem(where, "{ owner = 60, seller = 40 }")
    given = values.table(where, value, dict.fromkeys(ROLES, _per_cent))
    if (total := sum(given.values())) != WHOLE:
        raise SettingProblem(
            where, _("100 per cent in all, not {total}").format(total=Decimal(total) / 100)
        )
    return tuple((role, given[role]) for role in ROLES if role in given)


def _protection(where: str, value: Any) -> dict[str, int]:
    readers = {"days": values.whole(0, 3_650), "former": _per_cent}
    found = values.table(where, value, readers, needed=readers)  # one alone would protect nobody
    return {"protection_days": found["days"], "protected": found["former"]}


def _per_cent(where: str, value: Any) -> int:
    found = _decimal(value) * 100
    if found != found.to_integral_value() or not 0 <= found <= WHOLE:
        raise SettingProblem(where, _("per cent from 0 to 100, with two decimals at most"))
    return int(found)


def _rate(where: str, value: Any) -> int:
    percent = value.removesuffix("%").strip() if str(value).endswith("%") else None
    found = _decimal(percent) * 10_000
    if found != found.to_integral_value() or not 0 <= found <= 1_000_000:
        raise SettingProblem(
            where, _("per cent from 0 to 100 like “3%”, with four decimals at most")
        )
    return int(found)


def _decimal(value: Any) -> Decimal:
    """-1 for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return Decimal(-1)
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return Decimal(-1)
    return found if found.is_finite() else Decimal(-1)


def _categories(where: str, value: Any) -> tuple[str, ...]:
    return values.texts(where, [each.strip("/") for each in values.texts(where, value)])


_FIELDS: dict[str, values.Reader] = {
    "name": values.name,
    "scheme": values.one_of(SCHEMES),
    "shares": _shares,
    "from": values.day,
    "until": values.day,
    "shops": values.texts,
    "channels": values.texts,
    "categories": _categories,
    "priority": values.whole(-1_000, 1_000),
    "bind_days": values.whole(0, 36_500),
    "within_days": values.whole(0, 36_500),
    "missing": values.one_of(MISSING),
    "rate": _rate,
    "protection": _protection,
}
