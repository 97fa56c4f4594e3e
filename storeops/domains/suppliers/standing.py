"""How suppliers stand: their papers checked for a day, supplier by supplier."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from storeops.database.database import Database
from storeops.domains.suppliers import check, register
from storeops.domains.suppliers.check import PaperFinding
from storeops.domains.suppliers.numbers import ERROR, OK, WARNING
from storeops.domains.suppliers.register import Paper
from storeops.domains.suppliers.rules import PaperRules


@dataclass(frozen=True, slots=True)
class SupplierStanding:
    """One supplier on a day.

    Attributes:
        supplier: as `register.suppliers` gives it.
        papers: that it has; findings: about them and about what is missing.
    """

    supplier: dict[str, Any]
    papers: Sequence[Paper]
    findings: Sequence[PaperFinding]

    def count(self, level: str) -> int:
        """Findings of a level."""
        return sum(each.level == level for each in self.findings)

    @property
    def status(self) -> str:
        """ok, warning or error: the worst of them."""
        return next((each for each in (ERROR, WARNING) if self.count(each)), OK)

    def as_dict(self) -> dict[str, Any]:
        """The item of `supplier list --json`."""
        one = self.supplier
        names = ("code", "name", "role", "uscc", "address", "categories")
        return {
            **{key: one[key] for key in names}, "papers": len(self.papers),
            "errors": self.count(ERROR), "warnings": self.count(WARNING), "status": self.status,
        }  # fmt: skip


def standings(
    db: Database, rules: PaperRules, on: date, *, role: str = ""
) -> list[SupplierStanding]:
    """Every supplier, by code.

    Args:
        db: data.db.
        rules: of the profile.
        on: the day on which papers must hold.
        role: only those of this role; "" for all.
    """
    held: dict[str, list[Paper]] = defaultdict(list)
    for each in register.papers(db):
        held[each.supplier].append(each)
    return [
        SupplierStanding(
            one, held[one["code"]], check.check_supplier(one, held[one["code"]], rules, on)
        )
        for one in register.suppliers(db)
        if role in ("", one["role"])
    ]
