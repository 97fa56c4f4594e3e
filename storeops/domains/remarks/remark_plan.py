"""Remark planner: follows and texts with placeholders → a plan of the kind `remark`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from typing import Any

from storeops import times
from storeops.changes import plans, relations
from storeops.changes.action import Row
from storeops.changes.follow_requests import SelectedFollows, phone_trouble
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan
from storeops.changes.problems import Problem, Problems, of_line
from storeops.changes.relations import Relation
from storeops.changes.sheets import KEYS, USERID, Field
from storeops.clock import Clock
from storeops.database.database import Database
from storeops.domains.remarks.remarks import FIELDS, LIMITS, RemarkAction, remark_row, values_of
from storeops.domains.remarks.remarks import verdict as check_row
from storeops.errors import UsageError
from storeops.i18n import N_, _, kept, kept_plural
from storeops.plain import MASKED
from storeops.tables import typed
from storeops.terms import FIELD

REMARK = Field("remark", ("备注", "客户备注"), "王女士 A店", guess=False)
DESCRIPTION = Field("description", ("描述",), guess=False)
COMPANY = Field("remark_company", ("company", "备注企业", "公司", "企业名称"), guess=False)
MOBILES = Field("remark_mobiles", ("备注手机号", "备注电话"), guess=False)
SHEET_FIELDS = (*KEYS, USERID, REMARK, DESCRIPTION, COMPANY, MOBILES)
PLACEHOLDERS = ("name", "remark", "description", "store", "store_code", "staff", "date")
_LIST = re.compile(r"[;；,，、/\n]+")


def plan_remarks(
    ledger: Ledger,
    selected: SelectedFollows,
    values: Mapping[str, Any],
    *,
    cut: bool = False,
    reason: str = "",
    command: str = "",
    title: str = "",
) -> Plan:
    """A plan that writes remarks on the chosen follows.

    Args:
        ledger: the profile's ledger.
        selected: follows; a file's rows may bring their own texts, which win.
        values: remark, description, remark_company (text with placeholders like {name}),
            remark_mobiles (list; empty clears). Fields left out stay.
        cut: cut texts that are too long instead of blocking their rows.
        reason: why, for the journal.
        command: the command line that makes this plan again.
        title: one line for lists; "" makes one.

    Raises:
        UsageError: no field named, or an unknown placeholder.
    """
    rows, kept, problems, already = remark_rows(ledger, selected, values, cut=cut)
    verdicts = [check_row(row, each) for row, each in zip(rows, kept, strict=True)]
    problems += selected.left_out(already)
    problems += relations.large_shares(ledger.db, kept, verdicts, ledger.policy.warn_share)
    return plans.make(
        ledger,
        RemarkAction.name,
        rows,
        verdicts,
        params={"fields": sorted(values), "command": command},
        problems=problems,
        strict=selected.strict,
        title=title or _title(values),
        reason=reason,
    )


def remark_rows(
    ledger: Ledger, selected: SelectedFollows, values: Mapping[str, Any], *, cut: bool = False
) -> tuple[list[Row], list[Relation], Problems, list[int]]:
    """(rows, their follows, problems, places of those so already) for a request: `plan_remarks`."""
    own = selected.sheet is not None and not set(FIELDS).isdisjoint(selected.sheet.fields)
    if not values and not own:
        raise UsageError(
            _("No field was named."),
            hint=(selected.sheet.ask_for(FIELDS) if selected.sheet else "")
            or _("Name one: --remark, --description, --company or --clear-mobiles"),
        )
    for key, value in values.items():
        if isinstance(value, str):
            check_placeholders(key, value)
    words = _Words(ledger.db, ledger.clock)
    problems = selected.problems.copy()
    rows: list[Row] = []
    kept: list[Relation] = []
    already: list[int] = []
    for index, relation in enumerate(selected.relations):
        wanted: dict[str, Any] = dict(values)
        if selected.cells:
            trouble = _own_values(selected, index, wanted)
            if trouble is not None:
                problems.append(trouble)
                continue
        filled = {
            key: words.fill(value, relation) if isinstance(value, str) else list(value)
            for key, value in wanted.items()
        }
        if cut:
            filled = {
                key: value[: LIMITS[key]] if key in LIMITS else value
                for key, value in filled.items()
            }
        row = remark_row(len(rows) + 1, relation, filled)
        if row is None:
            already.append(index)
            continue
        rows.append(row)
        kept.append(relation)
    return rows, kept, problems, already


def check_placeholders(field: str, text: str) -> None:
    """Refuse a text whose placeholders are not understood.

    Raises:
        UsageError: names the placeholder, or the brace that is not closed.
    """
    try:
        found = [name for _text, name, _spec, _conversion in Formatter().parse(text) if name]
    except ValueError:
        raise UsageError(
            _("{field}: a brace is not closed: {text}").format(field=field, text=text),
            hint=_("Write {{ for a brace that is meant as text."),
        ) from None
    for name in found:
        if name not in PLACEHOLDERS:
            raise UsageError(
                _("{field}: there is no placeholder {{{name}}}.").format(field=field, name=name),
                hint=_("Known: {names}.").format(
                    names=_(", ").join(f"{{{each}}}" for each in PLACEHOLDERS)
                ),
            )


class _Words:
    """What placeholders mean for one follow."""

    def __init__(self, db: Database, clock: Clock) -> None:

        self._stores = dict(db.execute("SELECT id, name FROM department").fetchall())
        self._codes = _codes(db)
        self._date = times.day(clock.now())

    def fill(self, text: str, relation: Relation) -> str:
        """The text with its placeholders filled."""
        if "{" not in text and "}" not in text:
            return text
        present = values_of(relation)
        return text.format(
            name=relation.name,
            remark=present["remark"],
            description=present["description"],
            store=self._stores.get(relation.store_id, ""),
            store_code=self._codes.get(relation.store_id, ""),
            staff=relation.staff_name or relation.userid,
            date=self._date,
        )


def _codes(db: Database) -> dict[int, str]:
    """Shop codes of the notebook by department."""
    from storeops.reading.customers import names_of

    return {each.department_id: each.code for each in names_of(db).shops.values()}


def _own_values(selected: SelectedFollows, index: int, wanted: dict[str, Any]) -> Problem | None:
    """Take the texts of a file's row; a bad phone list or a masked number is a problem."""
    line, cells = selected.lines[index], selected.cells[index]

    for key in ("remark", "description", "remark_company"):
        if text := cells.get(key, "").strip():
            if MASKED.search(text):
                return of_line(
                    line,
                    "masked_text",
                    _("the text holds a masked phone number; an export with --reveal has it whole"),
                )
            wanted[key] = text.replace("{", "{{").replace("}", "}}")
    if text := cells.get("remark_mobiles", "").strip():
        several = [each for each in _LIST.split(text) if each.strip()]
        fault = next(filter(None, map(typed.phone_fault, several)), "")
        if fault:
            return of_line(line, fault, phone_trouble(fault))
        wanted["remark_mobiles"] = [typed.phone(each) for each in several]
    return None


def _title(values: Mapping[str, Any]) -> str:
    parts = []
    for key, value in values.items():
        text = (
            value[: LIMITS[key]] or "–"  # as rows have it: an erasure looks for all of that
            if isinstance(value, str)
            else kept_plural("{count} number", "{count} numbers", len(value))
        )
        parts.append(kept(N_("{name}: {text}"), name=kept(FIELD.get(key, key)), text=text))
    if not parts:
        return kept(N_("Remarks from a file"))
    return kept(N_("{parts}"), parts=parts) if parts[1:] else parts[0]
