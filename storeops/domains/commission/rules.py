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

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.domains.orders.sold import SoldLine
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _
from storeops.spelling import did_you_mean

SCHEMES = ("first-bind", "last-touch", "till", "split")
ROLES = ("owner", "server", "seller", "pool")
MISSING = ("pool", "owner", "others")
KEYS = ("name", "scheme", "shares", "from", "until", "shops", "channels", "categories",
        "priority", "bind_days", "within_days", "missing", "rate", "protection")  # fmt: skip
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
    """The rule that counts for a line: by priority, narrowness, name."""
    fitting = [each for each in rules if each.fits(line)]
    return min(
        fitting, key=lambda each: (-each.priority, -each.narrowness, each.name), default=None
    )


# -- files ----------------------------------------------------------------------------------------


def read(paths: Sequence[str]) -> list[CommissionRule]:
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
                hint=_("Commission rules are files like rules/commission/phones.toml."),
            )
        files += found
    rules: list[CommissionRule] = []
    for file in files:
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(
                _("{file} is not understood: {error}").format(file=file, error=error),
                hint=_('It is TOML: name = "phones", scheme = "split" …'),
            ) from None
        tables = content.get("rule", [content])
        if not isinstance(tables, list):
            tables = [tables]
        for table in tables:
            rule = _RuleReader(str(file), table).rule(file.stem)
            if any(each.name.casefold() == rule.name.casefold() for each in rules):
                raise UsageError(
                    _("{file}: two rules are called {name}.").format(file=file, name=rule.name)
                )
            rules.append(rule)
    return rules


class _RuleReader:
    """One table of a file."""

    def __init__(self, file: str, table: Any) -> None:
        self.file = file
        if not isinstance(table, dict):
            raise self.wrong("rule", _("it is no table"))
        self.table: dict[str, Any] = table

    def wrong(self, key: str, message: str, hint: str = "") -> UsageError:
        return UsageError(f"{self.file}, {key}: {message}", hint=hint)

    def rule(self, stem: str) -> CommissionRule:
        for key in self.table:
            if key not in KEYS:
                raise self.wrong(
                    key, _("no rule has this key"),
                    did_you_mean(key, KEYS, _("Keys: {names}.").format(names=", ".join(KEYS))),
                )  # fmt: skip
        name = self.table.get("name", stem)
        if not isinstance(name, str) or not 0 < len(name) <= 60:
            raise self.wrong("name", _("it is 1 to 60 characters"))
        scheme = self.one_of("scheme", SCHEMES, "")
        protection = self.table.get("protection", {})
        if not isinstance(protection, dict) or set(protection) - {"days", "former"}:
            raise self.wrong("protection", _("it has days and former"))
        since, until = self.day("from"), self.day("until")
        if since is not None and until is not None:
            until += 86_400
            if since >= until:
                raise self.wrong("until", _("it is before from"))
        elif until is not None:
            until += 86_400
        return CommissionRule(
            name=name, version=0, scheme=scheme, shares=self.shares(scheme), since=since,
            until=until, shops=self.words("shops"), channels=self.words("channels"),
            categories=tuple(each.strip("/") for each in self.words("categories")),
            priority=self.number("priority", self.table.get("priority", 0), -1_000, 1_000),
            bind_days=self.number("bind_days", self.table.get("bind_days", 0), 0, 36_500),
            within_days=self.number("within_days", self.table.get("within_days", 0), 0, 36_500),
            missing=self.one_of("missing", MISSING, "pool"),
            rate=self.rate(),
            protection_days=self.number("protection.days", protection.get("days", 0), 0, 3_650),
            protected=self.per_cent("protection.former", protection.get("former", 0)),
        )  # fmt: skip

    def shares(self, scheme: str) -> tuple[tuple[str, int], ...]:
        if scheme != "split":
            if "shares" in self.table:
                raise self.wrong("shares", _("only split has shares"))
            role = {"first-bind": "owner", "last-touch": "server", "till": "seller"}[scheme]
            return ((role, WHOLE),)
        given = self.table.get("shares")
        if not isinstance(given, dict) or not given:
            raise self.wrong(
                "shares", _("split needs shares"), _("shares = { owner = 60, seller = 40 }")
            )
        for role in given:
            if role not in ROLES:
                raise self.wrong(
                    "shares", _("there is no role {role}").format(role=role),
                    did_you_mean(role, ROLES, _("Roles: {names}.").format(names=", ".join(ROLES))),
                )  # fmt: skip
        shares = tuple(
            (role, self.per_cent(f"shares.{role}", given[role])) for role in ROLES if role in given
        )
        total = sum(share for _role, share in shares)
        if total != WHOLE:
            raise self.wrong(
                "shares", _("they are {total} per cent, not 100").format(total=Decimal(total) / 100)
            )
        return shares

    def one_of(self, key: str, known: Sequence[str], default: str) -> str:
        value = self.table.get(key, default)
        if value not in known:
            raise self.wrong(
                key, _("“{value}” is none of {names}").format(
                    value=str(value)[:40], names=", ".join(known)
                ),
                did_you_mean(str(value), known, ""),
            )  # fmt: skip
        return str(value)

    def words(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise self.wrong(key, _("it is a list of texts"))
        return tuple(value)

    def number(self, key: str, value: Any, least: int, most: int) -> int:
        if type(value) is not int or not least <= value <= most:
            raise self.wrong(
                key, _("it is a whole number from {least} to {most}").format(least=least, most=most)
            )
        return value

    def per_cent(self, key: str, value: Any) -> int:
        found = self.decimal(key, value) * 100
        if found != found.to_integral_value() or not 0 <= found <= WHOLE:
            raise self.wrong(key, _("it is per cent from 0 to 100, with two decimals at most"))
        return int(found)

    def rate(self) -> int:
        value = self.table.get("rate", "0%")
        if not isinstance(value, str) or not value.endswith("%"):
            raise self.wrong("rate", _("write it as “3%”"))
        found = self.decimal("rate", value.removesuffix("%").strip()) * 10_000
        if found != found.to_integral_value() or not 0 <= found <= 1_000_000:
            raise self.wrong("rate", _("it is per cent from 0 to 100, with four decimals at most"))
        return int(found)

    def decimal(self, key: str, value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise self.wrong(key, _("it is a number"))
        try:
            found = Decimal(str(value))
        except InvalidOperation:
            raise self.wrong(key, _("it is a number")) from None
        if not found.is_finite():
            raise self.wrong(key, _("it is a number"))
        return found

    def day(self, key: str) -> int | None:
        value = self.table.get(key)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                value = None
        if isinstance(value, datetime) or not isinstance(value, date):
            raise self.wrong(key, _("it is a day: 2026-01-01"))
        return int(times.start(value.year, value.month, value.day).timestamp())


# -- rules in force -------------------------------------------------------------------------------


def in_force(db: Database) -> list[CommissionRule]:
    """The newest version of every rule that was not retired, by name."""
    rows = db.execute(
        "SELECT content FROM commission_rule r WHERE retired_at IS NULL AND version ="
        " (SELECT max(version) FROM commission_rule n WHERE n.name = r.name) ORDER BY name"
    )
    return [CommissionRule.from_dict(json.loads(content)) for (content,) in rows]


def versions(db: Database) -> list[dict[str, Any]]:
    """Every version of every rule; times in Unix seconds."""
    rows = db.rows(
        "SELECT name, version, content, adopted_at, adopted_by, retired_at,"
        " version = max(version) OVER (PARTITION BY name) AND retired_at IS NULL AS in_force"
        " FROM commission_rule ORDER BY name, version DESC"
    )
    for row in rows:
        row["in_force"] = bool(row["in_force"])
        row["rule"] = json.loads(row.pop("content"))
        row["scheme"] = row["rule"]["scheme"]
    return rows
