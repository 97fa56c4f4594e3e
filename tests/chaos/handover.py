"""The handover drill: plan, apply, watch, with faults and kill -9 anywhere; then the accounts.

One drill hands a guide's customers and a leaver's customers and groups to three takers. Every
process that sends or asks may be killed at any moment, answers get lost after WeCom acted,
connections are cut before it did. In the end no customer may have been handed over twice, none may
be forgotten, and our ledger must say what the sandbox's own record says.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from storeops import config, secrets
from storeops.app import App
from storeops.changes import plans
from storeops.domains.handover.planner import plan_handover
from storeops.domains.handover.request import HandoverRequest
from storeops.sync.run import run_sync
from storeops.wecom import server
from tests.chaos.harness import SandboxProcess, kill_after

DAY = 86_400
FINAL = {"done", "refused", "taker_full", "no_record", "vanished", "failed", "blocked"}
BUGS = {1, 2}  # exit codes of an error nobody foresaw, or of a wrong command line
FULL = 40099  # at the request; later it is a status of the result list
NEVER_BEGUN = {"failed", "blocked"}  # refused at the request, or held back by such an answer
SAME = {
    "done": {"done"},
    "refused": {"refused"},
    "taker_full": {"taker_full"},
    "broken": {"no_record", "vanished", "refused"},
}


@dataclass
class Account:
    """What a drill found.

    Attributes:
        kills: processes that were killed while they worked.
        rows: rows of the plan that were sent.
        ends: their final statuses.
        problems: everything that must not be.
    """

    kills: int = 0
    rows: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


class Drill:
    """One drill on a sandbox of its own.

    Args:
        folder: becomes STOREOPS_HOME.
        seed: of the chain, the faults and the moments of killing.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.home = folder / f"home{seed}"
        self.account = Account()
        self.sandbox = SandboxProcess(
            stores=2, staff=9, follows=500, seed=seed, latency=4, handover_refuse_rate=0.1,
            handover_delete_rate=0.05, handover_tags_travel="false",
            handover_result_order=self.dice.choice(["newest", "oldest", "shuffled"]),
            handover_result_rows=self.dice.choice(["all", "newest"]),
            handover_result_lag_s=self.dice.choice([0, 0, 6]),
            handover_settle_lag_s=self.dice.choice([0, 90]),
        )  # fmt: skip
        self.control = self.sandbox.control

    def run(self) -> Account:
        """The whole drill."""
        before = os.environ.get("STOREOPS_HOME")
        os.environ["STOREOPS_HOME"] = str(self.home)
        try:
            self._profile()
            app = App.open("t")
            try:
                plan = self._plan(app)
                self._faults()
                self._send(app, plan)
                self._record_result(app)
                self._look(app, plan)
            finally:
                app.close()
        finally:
            self.sandbox.stop()
            if before is None:
                del os.environ["STOREOPS_HOME"]
            else:
                os.environ["STOREOPS_HOME"] = before
        return self.account

    def _profile(self) -> None:
        profile = config.Profile(
            name="t",
            corp_id=self.sandbox.corp_id,
            agent_id=int(self.sandbox.agent_id),
            base_url=self.sandbox.base_url,
            sandbox=True,
        )
        config.save_profile(profile, make_default=True)
        secrets.save("t", self.sandbox.secret)

    def _plan(self, app: App) -> str:
        self.control.call("POST", "handover/friends_again")
        staff = [
            m
            for m in self.control.export("staff")
            if m["customer_contact"] and m["status"] == 1 and m["visible"] and not m["left_at"]
        ]
        staff.sort(key=lambda m: (-m["customers"], m["userid"]))
        from_owner, leaver, *to_owners = (m["userid"] for m in staff)
        self.control.act("staff_leave", userid=leaver)
        for nearly_full, room in zip(to_owners[:3], (5, 20, None), strict=False):
            if room is not None and self.dice.random() < 0.5:
                held = next(m["customers"] for m in staff if m["userid"] == nearly_full)
                condition = {"userid": nearly_full, "capacity": held + room}
                self.control.call("POST", "handover/member", condition)
        assert run_sync(app).outcome == "complete"
        request = HandoverRequest(
            from_owners=[from_owner, leaver], to_owners=to_owners[:3], rule="round-robin",
            personal_tags=self.dice.random() < 0.3,
        )  # fmt: skip
        made = plan_handover(app.ledger, request)
        self.account.rows = made.plan.ready
        return made.plan.name

    def _faults(self) -> None:
        sends = "externalcontact/*transfer*customer"
        groups = "externalcontact/groupchat/*transfer"
        results = "externalcontact/*transfer_result"
        for kind, path, rate in (
            ("lost", sends, 0.2),
            ("cut", sends, 0.05),
            ("lost", groups, 0.3),
            ("truncate", sends, 0.1),
            ("cut", results, 0.05),
            ("invalid", results, 0.05),
        ):
            self.control.fault(kind, path, rate=rate, seed=self.dice.randrange(10**6))
        for code, path in ((-1, sends), (45033, sends), (6000, results)):
            seed = self.dice.randrange(10**6)
            self.control.fault("errcode", path, errcode=code, rate=0.08, seed=seed)

    def _command(self, *words: str) -> subprocess.Popen[str]:
        env = {**os.environ, "STOREOPS_HOME": str(self.home), "STOREOPS_LANG": "en"}
        return subprocess.Popen(
            [sys.executable, "-m", "storeops", *words, "--quiet"],
            env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _kill(self, *words: str) -> None:
        process = self._command(*words)
        if kill_after(process, self.dice.uniform(0.2, 2.0)):
            self.account.kills += 1
        if process.stderr is not None:
            process.stderr.close()

    def _finish(self, *words: str) -> str:
        process = self._command(*words)
        _out, err = process.communicate(timeout=300)
        if process.returncode in BUGS or "Traceback" in err:
            self.account.problems.append(f"{' '.join(words)}: {process.returncode} {err[-600:]}")
        return err

    def _send(self, app: App, plan: str) -> None:
        for _ in range(20):
            if plans.get(app.data, plan).status == "applied":
                break
            self._kill("plan", "apply", plan, "--yes")
        if plans.get(app.data, plan).status != "applied":  # a machine too slow to get so far
            self._finish("plan", "apply", plan, "--yes")
        for _ in range(self.dice.randrange(1, 4)):
            self._kill("job", "run", "--until-empty")
        errors = []
        for _ in range(5):
            errors.append(self._finish("job", "run", "--until-empty"))
            if not self._open(app, ("queued", "unknown")):
                return
        self.account.problems.append(f"still unsent: {errors[-1][-400:]}")

    @staticmethod
    def _open(app: App, statuses: tuple[str, ...]) -> int:
        marks = ",".join("?" * len(statuses))
        count: int = app.data.execute(
            f"SELECT count(*) FROM plan_row WHERE status IN ({marks})", statuses
        ).fetchone()[0]
        return count

    def _record_result(self, app: App) -> None:
        self.control.advance(DAY + self.dice.randrange(30))
        for _ in range(self.dice.randrange(1, 3)):
            self._kill("handover", "watch")
        error = ""
        for _ in range(40):
            error = self._finish("handover", "watch")
            if not self._open(app, ("waiting",)):
                return
            self.control.advance(400)
        self.account.problems.append(f"still waiting: {error[-400:]}")

    @staticmethod
    def _story(app: App, row: int) -> str:
        """Code and log of a row's jobs, for the report of a problem."""
        code = app.data.execute("SELECT errcode, at FROM plan_row WHERE row = ?", (row,)).fetchone()
        log = app.data.execute(
            "SELECT e.job_id, e.kind, e.detail, e.at, j.attempts, j.asks FROM job_row AS r"
            " JOIN job_event AS e ON e.job_id = r.job_id JOIN job AS j ON j.id = r.job_id"
            " WHERE r.row = ? ORDER BY e.id",
            (row,),
        ).fetchall()
        return f"{code} {log}"

    def _look(self, app: App, plan: str) -> None:
        self.control.clear_faults()
        server.api_domain_ips(app.client)
        problems = self.account.problems
        attempts = Counter(r["external_userid"] for r in self.control.export("handovers"))
        problems += [f"handed over twice: {who}" for who, count in attempts.items() if count > 1]
        truth = {r["external_userid"]: r["outcome"] for r in self.control.export("handovers")}
        groups = {r["chat_id"]: r for r in self.control.export("group_handovers")}
        for row, who, subject, status, errcode in app.data.execute(
            "SELECT r.row, r.external_userid, json_extract(r.extra, '$.chat_id'), r.status,"
            " r.errcode"
            " FROM plan_row AS r JOIN plan AS p ON p.id = r.plan_id"
            " WHERE p.name = ? AND r.code = ''",
            (plan,),
        ):
            self.account.ends[status] += 1
            if status not in FINAL:
                problems.append(f"{who or subject} ended as {status}")
            elif who and (status in NEVER_BEGUN or errcode == FULL) != (who not in truth):
                story = self._story(app, row)
                problems.append(f"{who}: ours {status}, theirs {truth.get(who)}; {story}")
            elif who and who in truth and status not in SAME.get(truth[who], set()):
                problems.append(f"{who}: ours {status}, theirs {truth[who]}")
            elif subject and (status == "done") != (subject in groups):
                problems.append(f"{subject}: ours {status}, theirs {groups.get(subject)}")
        if error := self._finish("audit", "verify"):
            problems.append(f"audit verify: {error[-300:]}")
