"""Alarms of papers that end: raised at each step before the end, over when they are renewed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from storeops import times
from storeops.domains.suppliers import expiring, register
from storeops.domains.suppliers.rules import load_rules
from storeops.domains.suppliers.words import kind_name
from storeops.i18n import N_, _, plural
from storeops.operations.alarms import Alarm, AlarmKind

if TYPE_CHECKING:
    from storeops.operations.wiring import Wiring

BAD_DAYS = 7  # from so many days before the end on it is red


def _find(app: Wiring, settings: Mapping[str, Any]) -> Iterator[Alarm]:
    held = register.papers(app.data)
    steps = sorted({int(each) for each in settings["days"]}, reverse=True)
    if not held or not steps:
        return
    today = times.local(app.clock.now()).date()
    names = {each["code"]: each["name"] for each in register.suppliers(app.data)}
    rows = expiring.expiring(held, load_rules(app.profile.name), today, max(0, *steps))
    for row in rows:
        left = row["days_left"]
        # each of these days that has come is one step: some before the end, the first on which
        # renewal can be asked for, the last one, and the end itself
        come = sum(left <= step for step in steps) + sum(
            row[name] is not None and date.fromisoformat(row[name]) <= today
            for name in ("renew_by", "renew_until")
        )
        rank = come + (left < 0)
        if rank:
            yield Alarm(
                key=f"{row['supplier']}/{row['kind']}/{row['number']}",
                tone="bad" if left <= BAD_DAYS else "warn",
                rank=rank,
                values={
                    "supplier": row["supplier"],
                    "name": names.get(row["supplier"], ""), "kind": row["kind"],
                    "number": row["number"], "until": row["valid_until"], "days": left,
                    "renew": row["status"] == "renew",
                },
            )  # fmt: skip


def _describe(values: Mapping[str, Any]) -> tuple[str, str]:
    about = {
        "paper": kind_name(values["kind"]), "number": values["number"],
        "name": values["name"] or values["supplier"], "day": values["until"],
    }  # fmt: skip
    if values["days"] < 0:
        text = _("{name}: {paper} {number} has expired ({day}).").format(**about)
    elif values["renew"]:
        text = plural(
            "{name}: {paper} {number} ends in {count} day ({day}); renew it now.",
            "{name}: {paper} {number} ends in {count} days ({day}); renew it now.",
            values["days"],
            **about,
        )
    else:
        text = plural(
            "{name}: {paper} {number} ends in {count} day ({day}).",
            "{name}: {paper} {number} ends in {count} days ({day}).",
            values["days"],
            **about,
        )
    return text, f"storeops supplier check {shlex.quote(values['supplier'])}"


PAPERS = AlarmKind(
    title=N_("A supplier's paper ends"), settings={"days": list(expiring.STEPS)}, find=_find,
    describe=_describe, every_s=3600.0, on_today=False,
)  # fmt: skip
