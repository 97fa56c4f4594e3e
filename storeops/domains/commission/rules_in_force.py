"""The rules in force, and their versions: adopted and retired, journaled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from storeops.changes.journal import JournalLine
from storeops.changes.ledger import Ledger
from storeops.database.database import Database
from storeops.domains.commission.rules import CommissionRule
from storeops.errors import ConflictError
from storeops.i18n import _


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


def adopt(ledger: Ledger, found: Sequence[CommissionRule]) -> list[CommissionRule]:
    """Take rules into force: what differs becomes a new version. Journaled.

    Returns:
        The rules that are new or changed, with their versions.
    """
    db, now = ledger.db, ledger.clock.now()
    known = {each.name.casefold(): each for each in in_force(db)}
    fresh: list[CommissionRule] = []
    with db.atomic() as connection:
        for rule in found:
            before = known.get(rule.name.casefold())
            if before is not None and replace(before, version=0) == rule:
                continue
            version = (
                1
                + connection.execute(
                    "SELECT coalesce(max(version), 0) FROM commission_rule WHERE name = ?",
                    (rule.name,),
                ).fetchone()[0]
            )
            fresh.append(replace(rule, version=version))
            connection.execute(
                "INSERT INTO commission_rule VALUES (?, ?, ?, ?, ?, NULL)",
                (rule.name, version, json.dumps(fresh[-1].as_dict(), ensure_ascii=False), int(now),
                 ledger.who),
            )  # fmt: skip
        lines = [JournalLine("commission.rule", payload=each.as_dict()) for each in fresh]
        ledger.journal.append(connection, lines, now)
    if fresh:
        ledger.journal.seal(db, now)
    return fresh


def retire(ledger: Ledger, name: str) -> CommissionRule:
    """Take a rule out of force; closed months keep it. Journaled.

    Raises:
        ConflictError: no rule of that name is in force.
    """
    db, now = ledger.db, ledger.clock.now()
    rule = next((each for each in in_force(db) if each.name.casefold() == name.casefold()), None)
    if rule is None:
        raise ConflictError(
            _("No rule {name} is in force.").format(name=name),
            hint=_("`storeops commission rule list` names them."),
        )
    with db.atomic() as connection:
        connection.execute(
            "UPDATE commission_rule SET retired_at = ? WHERE name = ?", (int(now), rule.name)
        )
        about = {"name": rule.name, "version": rule.version}
        ledger.journal.append(connection, [JournalLine("commission.retired", payload=about)], now)
    ledger.journal.seal(db, now)
    return rule
