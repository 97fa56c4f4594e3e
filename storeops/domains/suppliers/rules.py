"""Roles, the papers each needs, and what a kind of paper must look like: rules as TOML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storeops import paths
from storeops.errors import ConfigError, UsageError
from storeops.i18n import _, own_word
from storeops.spelling import did_you_mean
from storeops.toml import values
from storeops.toml.files import document, toml_files, understood

FORMS = ("uscc", "sc", "jy", "yb", "free")


@dataclass(frozen=True, slots=True)
class PaperKind:
    """A kind of paper.

    Attributes:
        name: of the rule.
        words: what people call it.
        form: of its number: uscc, sc, jy, yb or free.
        years: of validity, 0 when not fixed; long_term: it may have no end.
        per_lot: it is about one lot.
        renew_working_days: before the end, when the renewal is due or its window opens; 0: none.
        renew_until_working_days: before the end, when that window closes.
    """

    name: str
    words: tuple[str, ...] = ()
    form: str = "free"
    years: int = 0
    long_term: bool = False
    per_lot: bool = False
    renew_working_days: int = 0
    renew_until_working_days: int = 0


@dataclass(frozen=True, slots=True)
class SupplierRole:
    """A role.

    Attributes:
        name: of the rule; title: in English; words: what people call it.
        papers: that it needs; "a|b": one of them.
        category: first digits of the production licence's number, "" for any.
    """

    name: str
    title: str = ""
    words: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()
    category: str = ""


@dataclass(frozen=True, slots=True)
class PaperRules:
    """All rules of a profile."""

    roles: Mapping[str, SupplierRole]
    kinds: Mapping[str, PaperKind]

    def role(self, word: str) -> SupplierRole:
        """The role of a word.

        Raises:
            UsageError: there is none.
        """
        found: SupplierRole = _find(word, self.roles, _("There is no role {name}."))
        return found

    def kind(self, word: str) -> PaperKind:
        """The kind of a word.

        Raises:
            UsageError: there is none.
        """
        found: PaperKind = _find(word, self.kinds, _("There is no kind of paper {name}."))
        return found


def _find(word: str, known: Mapping[str, Any], text: str) -> Any:
    asked = word.strip().casefold()
    for name, each in known.items():
        if asked in (name.casefold(), *(one.casefold() for one in each.words)):
            return each
    names = _(", ").join(own_word(name, each.words) for name, each in known.items())
    raise UsageError(
        text.format(name=word[:40]),
        hint=did_you_mean(word, known, _("Known: {names}.").format(names=names)),
    )


def load_rules(profile: str) -> PaperRules:
    """Our rules, and those of the profile's folder rules/papers/ before them.

    Raises:
        ConfigError: a file that is no such rule.
    """
    own = toml_files(paths.profile_path(profile) / "rules" / "papers")
    ours = toml_files(Path(__file__).parent / "papers")
    roles: dict[str, SupplierRole] = {}
    kinds: dict[str, PaperKind] = {}
    for file in (*ours, *own):
        with understood(file):
            found = values.table("", document(file), _FIELDS)
        kinds |= found.get("kinds", {})
        roles |= found.get("roles", {})
    for role in roles.values():
        for entry in role.papers:
            for name in entry.split("|"):
                if name not in kinds:
                    raise ConfigError(
                        _("The role {role} needs {name}, which is no kind of paper.").format(
                            role=role.name, name=name
                        )
                    )
    return PaperRules(roles, kinds)


def _kind(where: str, name: str, value: Any) -> PaperKind:
    fields: dict[str, values.Reader] = {
        "words": values.texts,
        "form": values.one_of(FORMS),
        "years": values.whole(0, 100),
        "long_term": values.flag,
        "per_lot": values.flag,
        "renew_working_days": values.whole(0, 3_650),
        "renew_until_working_days": values.whole(0, 3_650),
    }
    return PaperKind(name, **values.table(where, value, fields))


def _role(where: str, name: str, value: Any) -> SupplierRole:
    fields: dict[str, values.Reader] = {
        "title": values.text,
        "words": values.texts,
        "papers": values.texts,
        "category": values.text,
    }
    return SupplierRole(name, **values.table(where, value, fields))


_FIELDS = {"kinds": values.by_name(_kind), "roles": values.by_name(_role)}
