"""The drill of changes: plans applied under faults by processes that are killed at any moment."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from storeops import config, secrets
from storeops.app import App
from storeops.changes import apply, plans, undo
from storeops.changes.follow_requests import FollowRequest, select_follows
from storeops.changes.plans import Plan
from storeops.changes.verify import verify
from storeops.domains.remarks.remark_plan import plan_remarks
from storeops.domains.tags.tag_library_plan import add_tags
from storeops.domains.tags.tag_plan import plan_tags
from storeops.reading.customers import Selection
from storeops.sandbox.local import SandboxHandle
from storeops.sync.run import run_sync
from tests.chaos.truth import compare

MARK, ADD = "externalcontact/mark_tag", "externalcontact/add_corp_tag"
WORK = """
from storeops.app import App
from storeops import retrying
retrying.CALL = retrying.Waits(3, 0.05, 0.05)
app = App.open("chaos")
app.worker().run(seconds=120)
app.close()
"""


@dataclass
class Report:
    """What the drill did.

    Attributes:
        kills: processes killed while they worked.
        rows: rows per final status.
        asked: jobs of unknown fate that were asked about.
        problems: what must not be; empty when all is well.
    """

    kills: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    problems: list[str] = field(default_factory=list)


def open_home(sandbox: SandboxHandle, home: Path) -> App:
    """A synced profile of its own in `home`, which becomes STOREOPS_HOME."""
    os.environ["STOREOPS_HOME"] = str(home)
    config.save_profile(
        config.Profile(
            name="chaos", corp_id=sandbox.corp_id, agent_id=sandbox.agent_id,
            base_url=sandbox.base_url, sandbox=True,
        )
    )  # fmt: skip
    secrets.save("chaos", sandbox.secret)
    app = App.open("chaos")
    run_sync(app)
    return app


def faults(sandbox: SandboxHandle, rate: float, seed: int) -> None:
    """`rate` of the writes go wrong, in seven ways; reading back suffers, too."""
    each = rate / 7
    control = sandbox.control
    for number, kind in enumerate(("lost", "cut", "status", "invalid", "token")):
        control.fault(kind, "externalcontact/*", rate=each, seed=seed * 10 + number)
    for number, errcode in enumerate((-1, 45033), start=5):
        control.fault(
            "errcode", "externalcontact/*", errcode=errcode, rate=each, seed=seed * 10 + number
        )
    control.fault("lost", ADD, rate=0.3, seed=seed)


def wish(app: App, dice: random.Random, number: int) -> list[Plan]:
    """Plans of every kind about overlapping customers."""
    tags = [row[0] for row in app.data.execute("SELECT tag_id FROM tag WHERE deleted_at IS NULL")]
    request = FollowRequest(Selection(where="status:active"), follows="all")
    selected = select_follows(app.data, request, app.clock.now())
    dice.shuffle(selected.relations)
    del selected.relations[120:]
    add, remove = dice.sample(tags, 2)
    ledger = app.ledger
    made = [plan_tags(ledger, selected, add=[add], remove=[remove])]
    del selected.relations[60:]
    made.append(plan_remarks(ledger, selected, {"description": f"round {number}"}))
    made.append(add_tags(ledger, f"Chaos {number}", ["a", "b"], new_group=True))
    done = plans.listing(app.data, kinds=("tag",), statuses=("applied",), limit=1)
    if done and dice.random() < 0.3:
        made.append(undo.plan_undo(ledger, done[0].name))
    return [plan for plan in made if plan.ready]


def one_round(app: App, sandbox: SandboxHandle, number: int, rate: float, report: Report) -> None:
    """Wish, apply, kill once at a random moment, finish, judge."""
    dice = random.Random(number)
    made = wish(app, dice, number)
    for plan in made:
        try:
            apply.apply(app.ledger, plan.name, skip_changed=True)
        except Exception as error:
            report.problems.append(f"round {number}: {plan.name}: {error}")
            return
    sandbox.control.settings(latency_ms=8)
    faults(sandbox, rate, number)
    process = subprocess.Popen([sys.executable, "-c", WORK])
    time.sleep(dice.uniform(0.2, 1.6))
    if process.poll() is None:
        process.kill()
        report.kills += 1
    process.wait()
    sandbox.control.settings(latency_ms=0)
    ended = subprocess.run([sys.executable, "-c", WORK], check=False, timeout=180)
    if ended.returncode:
        report.problems.append(f"round {number}: the second worker ended with {ended.returncode}")
    sandbox.control.clear_faults()
    for plan in made:
        counts = plans.row_counts(app.data, plan.id)
        report.rows.update(counts)
        odd = set(counts) - {"done", "blocked", "undone"}
        if odd:
            why = plans.by_id(app.data, plan.id).paused_why
            report.problems.append(f"round {number}: {plan.name} ended as {counts} {why}")
    report.asked += (
        app.data.execute("SELECT count(*) FROM job_event WHERE kind = 'read_back'").fetchone()[0]
        - report.asked
    )
    proof = verify(app.data, app.ledger.journal)
    report.problems += [f"round {number}: {each.message}" for each in proof.findings]
    if different := compare(app.data, sandbox.control):
        report.problems.append(f"round {number}: {different}")
    names = Counter((tag["group_name"], tag["name"]) for tag in sandbox.control.export("tags"))
    report.problems += [f"round {number}: {each} twice" for each, n in names.items() if n > 1]


def killed_applies(
    sandbox: SandboxHandle, home: Path, rounds: int, *, rate: float = 0.05, seed: int = 0
) -> Report:
    """`rounds` rounds on one profile; stops at the first that leaves something wrong."""
    report = Report()
    app = open_home(sandbox, home)
    try:
        for number in range(seed * 10_000, seed * 10_000 + rounds):
            one_round(app, sandbox, number, rate, report)
            if report.problems:
                break
    finally:
        app.close()
    return report


def bad_lines(app: App, good: set[str], per_kind: int) -> dict[str, list[str]]:
    """Ten kinds of rows that cannot be planned: code → lines of the file."""
    single = [
        row
        for row in app.data.execute(
            "SELECT c.external_userid, s.userid FROM follow AS f"
            " JOIN customer AS c ON c.id = f.customer_id JOIN staff AS s ON s.id = f.staff_id"
            " WHERE f.status = 'active' GROUP BY c.id HAVING count(*) = 1 LIMIT 4000"
        )
        if row[0] not in good
    ]
    shared = app.data.execute(
        "SELECT c.external_userid FROM follow AS f JOIN customer AS c ON c.id = f.customer_id"
        " WHERE f.status = 'active' GROUP BY c.id HAVING count(*) > 1 LIMIT ?",
        (per_kind,),
    ).fetchall()
    members = [row[0] for row in app.data.execute("SELECT userid FROM staff WHERE status='active'")]
    stranger = dict(zip(members, [*members[1:], members[0]], strict=True))
    some = iter(single)
    lines: dict[str, list[str]] = {}

    def kind(code: str, make: Callable[[int], str]) -> None:
        lines[code] = [make(number) for number in range(per_kind)]

    kind("no_key", lambda n: f",,guide{n},")
    kind("unknown_id", lambda n: f"wmNobody{n:05},,,")
    kind("bad_id", lambda n: f"wm {n} x,,,")
    kind("unknown_phone", lambda n: f",1380000{n:04},,")
    kind("rounded_phone", lambda n: f",1.38E+{10 + n % 3},,")
    kind("bad_phone", lambda n: f",没有{n},,")
    kind("unknown_member", lambda n: f"{next(some)[0]},,没有此人{n},")
    kind("no_relation", lambda n: "{},,{},".format(*_of_other(next(some), stranger)))
    lines["several_members"] = [f"{row[0]},,," for row in shared]
    kind("unknown_tag", lambda n: f"{next(some)[0]},,,没有/标签{n}")
    return lines


def _of_other(row: Sequence[str], stranger: Mapping[str, str]) -> tuple[str, str]:
    return row[0], stranger[row[1]]
