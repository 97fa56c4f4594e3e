"""Whether papers hold, in three layers: form, time, scope. The layer that fails is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from storeops.domains.suppliers import numbers
from storeops.domains.suppliers.numbers import ERROR, OK, WARNING, plain_number
from storeops.domains.suppliers.register import LONG_TERM, Paper
from storeops.domains.suppliers.renewals import renewed, same_address
from storeops.domains.suppliers.rules import PaperRules, SupplierRole
from storeops.i18n import _

FORM, TIME, SCOPE = "form", "time", "scope"


@dataclass(frozen=True, slots=True)
class PaperFinding:
    """One thing about one paper.

    Attributes:
        supplier, kind, number, lot: which paper.
        layer: form, time or scope; "" when all is well.
        level: ok, warning or error.
        message: why, one clause in the user's language; "" when all is well.
    """

    supplier: str
    kind: str
    number: str
    lot: str
    layer: str
    level: str
    message: str


def check_paper(
    paper: Paper,
    rules: PaperRules,
    on: date,
    holder: Mapping[str, Any] | None = None,
    *,
    lot: str = "",
    category: str = "",
) -> list[PaperFinding]:
    """Everything about one paper; one line that says ok when there is nothing.

    Args:
        paper: the paper.
        rules: of the profile.
        on: the day of production or receipt on which it must hold.
        holder: the supplier, for what must agree with it.
        lot: that a report must cover, "" for any.
        category: of the goods that it must cover, "" for any.
    """
    kind = rules.kinds.get(paper.kind)
    found: list[tuple[str, str, str]] = []
    level, why = numbers.form(kind.form if kind else "free", paper.number)
    if level != OK:
        found.append((FORM, level, why))
    if paper.holder_uscc:
        level, why = numbers.form("uscc", paper.holder_uscc)
        if level != OK:
            found.append((FORM, level, why))
    found += [(TIME, *each) for each in _time(paper, rules, on)]
    found += [(SCOPE, *each) for each in _scope(paper, rules, holder, lot, category)]
    if not found:
        found = [("", OK, "")]
    return [
        PaperFinding(paper.supplier, paper.kind, paper.number, paper.lot, layer, level, why)
        for layer, level, why in found
    ]


def _time(paper: Paper, rules: PaperRules, on: date) -> list[tuple[str, str]]:
    kind = rules.kinds.get(paper.kind)
    if paper.status != "valid":
        words = {"revoked": _("it was revoked"), "cancelled": _("it was cancelled"),
                 "suspended": _("it is suspended")}  # fmt: skip
        return [(ERROR, words[paper.status])]
    day = on.isoformat()
    if paper.valid_from and day < paper.valid_from:
        return [(ERROR, _("on {day} it was not valid yet (from {first})").format(
            day=day, first=paper.valid_from))]  # fmt: skip
    if paper.valid_until and paper.valid_until != LONG_TERM and day > paper.valid_until:
        return [(ERROR, _("on {day} it had expired ({last})").format(
            day=day, last=paper.valid_until))]  # fmt: skip
    if kind is not None and numbers.has_ended(kind.form, paper.number):
        return [(ERROR, _("papers of this older kind have expired"))]
    if kind is None or kind.per_lot:
        return []
    if not paper.valid_until:
        return [] if kind.long_term else [(WARNING, _("it does not say until when it is valid"))]
    if paper.valid_until == LONG_TERM and not kind.long_term:
        return [(WARNING, _("papers of this kind have an end"))]
    if kind.years and paper.valid_from and paper.valid_until != LONG_TERM:
        first, last = date.fromisoformat(paper.valid_from), date.fromisoformat(paper.valid_until)
        if (last - first).days > kind.years * 366 + 1:
            return [(WARNING, _("it says it is valid for longer than {years} years").format(
                years=kind.years))]  # fmt: skip
    return []


def _scope(
    paper: Paper, rules: PaperRules, holder: Mapping[str, Any] | None, lot: str, category: str
) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    kind = rules.kinds.get(paper.kind)
    if holder is not None:
        theirs = plain_number(holder["uscc"])
        said = paper.number if kind is not None and kind.form == "uscc" else paper.holder_uscc
        if theirs and said and plain_number(said) != theirs:
            found.append((ERROR, _("its holder is {uscc}, the supplier is {theirs}").format(
                uscc=said, theirs=theirs)))  # fmt: skip
        role = rules.roles.get(holder["role"])
        number = plain_number(paper.number)
        if (role is not None and role.category and kind is not None and kind.form == "sc"
                and number.startswith("SC") and number[2:5] != role.category):  # fmt: skip
            found.append((ERROR, _("it is for the category {number}, not {category}").format(
                number=number[2:5], category=role.category)))  # fmt: skip
        if (
            paper.address
            and holder["address"]
            and not same_address(paper.address, holder["address"])
        ):
            found.append((WARNING, _("its address {address} is not the supplier's").format(
                address=paper.address)))  # fmt: skip
    if category and paper.categories and category not in paper.categories:
        found.append((ERROR, _("it does not cover {category}").format(category=category)))
    if kind is not None and kind.per_lot:
        if not paper.lot:
            found.append((ERROR, _("a report is about one lot; this one names none")))
        elif lot and paper.lot != lot:
            found.append((ERROR, _("it is about lot {lot}, not {other}").format(
                lot=paper.lot, other=lot)))  # fmt: skip
    return found


def missing(
    role: SupplierRole, held: Sequence[Paper], rules: PaperRules, lot: str = ""
) -> list[str]:
    """Kinds of papers that a role needs and that are not there; reports only when a lot is asked.

    Args:
        lot: that is received, "" for none.
    """
    found = []
    for entry in role.papers:
        kinds = entry.split("|")
        per_lot = all(rules.kinds[each].per_lot for each in kinds)
        if per_lot and not lot:
            continue
        if not any(each.kind in kinds and (not per_lot or each.lot == lot) for each in held):
            found.append(entry)
    return found


def check_supplier(
    holder: Mapping[str, Any], held: Sequence[Paper], rules: PaperRules, on: date, lot: str = "",
    category: str = "",
) -> list[PaperFinding]:  # fmt: skip
    """Every paper of a supplier that its role needs or that it has, and what is missing.

    Args:
        holder: the supplier; held: its papers.
        on: day of production or receipt; lot, category: of what is received, "" for none.
    """
    found = []
    over = renewed(held, rules, on)
    for each in held:
        kind = rules.kinds.get(each.kind)
        if lot and kind is not None and kind.per_lot and each.lot != lot:
            continue  # another lot's report
        if each in over and each.valid_until < on.isoformat():
            found.append(PaperFinding(each.supplier, each.kind, each.number, each.lot, "", OK,
                                      _("it ended and was renewed")))  # fmt: skip
            continue
        found += check_paper(each, rules, on, holder, lot=lot, category=category)
    for entry in missing(rules.role(holder["role"]), held, rules, lot):
        found.append(
            PaperFinding(
                holder["code"], entry, "", lot, SCOPE, ERROR,
                _("the paper is missing"),
            )
        )  # fmt: skip
    return found
