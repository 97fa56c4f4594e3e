"""What the register knows of papers that others name by number: the door for tracing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from storeops.database.database import Database
from storeops.domains.suppliers import check, register
from storeops.domains.suppliers.numbers import ERROR, OK, WARNING
from storeops.domains.suppliers.rules import load_rules

NOT_KEPT = "not_kept"


def states(db: Database, asked: Iterable[tuple[str, date]]) -> dict[tuple[str, date], str]:
    """ok, warning, error (on that day), or not_kept, of each (number, day).

    Args:
        db: data.db, in its profile's folder.
        asked: numbers as papers name them, and the day on which each must hold.
    """
    pairs = set(asked)
    known = register.by_number(db, {number for number, _day in pairs})
    if not known:
        return dict.fromkeys(pairs, NOT_KEPT)
    rules = load_rules(db.path.parent.name)
    holders = {each["code"]: each for each in register.suppliers(db)}
    found = {}
    for number, day in pairs:
        levels = [
            finding.level
            for paper in known.get(number, ())
            for finding in check.check_paper(paper, rules, day, holders.get(paper.supplier))
        ]
        found[number, day] = next(
            (each for each in (ERROR, WARNING, OK) if each in levels), NOT_KEPT
        )
    return found
