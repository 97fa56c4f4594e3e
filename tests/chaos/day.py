"""One home through a day of everything: a chain that lives, an API that fails, commands that are
killed, a receiver, a backup put back, a person erased. Then calm, and the three proofs.

Every command is a process of its own, as cron and people start them. What a command may answer
meanwhile is any documented code but 1 (a bug); what it must answer in the end is 0.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storeops.sandbox.local import ControlError
from tests.chaos.answers import WRONG
from tests.chaos.harness import SandboxProcess, kill_after

HOUR = 3600
BUG = 1
READS = (
    "user/list", "externalcontact/batch/get_by_user", "externalcontact/get_corp_tag_list",
    "externalcontact/get_unassigned_list", "externalcontact/get", "department/list",
)  # fmt: skip
WRITES = (
    "externalcontact/mark_tag", "externalcontact/remark", "externalcontact/transfer_customer",
    "externalcontact/resigned/transfer_customer",
)  # fmt: skip
ODD = (
    "null_field",
    "missing_field",
    "half_surrogate",
    "number_as_text",
    "control_char",
    "cut_text",
)
FIELDS = ("remark", "name", "description", "createtime")
PROOFS = (("audit", "verify"), ("sync", "verify", "--all"), ("db", "check", "--thorough"))


@dataclass(frozen=True)
class Ended:
    """How a command ended; `code` is None when it was killed."""

    words: tuple[str, ...]
    code: int | None
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as JSON; {} when there is none."""
        with suppress(ValueError):
            return json.loads(self.out)
        return {}


@dataclass
class Day:
    """A home, its sandbox, and what was done there.

    Attributes:
        folder: STOREOPS_HOME and files.
        sandbox: a process with a chain.
        codes: exit code → how many commands ended with it; None were killed.
        problems: everything that must not be.
    """

    folder: Path
    sandbox: SandboxProcess
    seed: int
    codes: Counter[int | None] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.env = {**os.environ, "STOREOPS_HOME": str(self.folder / "home"), "STOREOPS_LANG": "en"}
        self.receiver: subprocess.Popen[str] | None = None
        self.plans: list[str] = []
        self.sandbox_control = self.sandbox.control

    # -- commands

    def start(self, *words: str, given: str = "") -> subprocess.Popen[str]:
        """A command in a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "storeops", *words], env=self.env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(given)
        process.stdin.close()
        process.stdin = None
        return process

    def run(self, *words: str, given: str = "", kill: bool = False) -> Ended:
        """A command to its end, or killed somewhere on its way."""
        process = self.start(*words, given=given)
        if kill:
            process.stdout, out = None, process.stdout
            killed = kill_after(process, self.dice.uniform(0.2, 2.5))
            process.stdout = out
        said, errors = process.communicate(timeout=600)
        code = None if kill and killed else process.returncode
        self.codes[code] += 1
        if code == BUG or "Traceback" in errors:
            self.problems.append(f"{' '.join(words)}: {code}: {errors[-600:]}")
        return Ended(words, code, said, errors)

    def must(self, *words: str, given: str = "") -> Ended:
        """A command that has to succeed."""
        ended = self.run(*words, given=given)
        if ended.code != 0:
            said = (ended.err or ended.out)[-600:]
            self.problems.append(f"{' '.join(words)} ended with {ended.code}: {said}")
        return ended

    # -- the day

    def open(self) -> None:
        """Profile, first sync, receiver."""
        box = self.sandbox
        self.must(
            "profile", "add", "day", "--corp-id", box.corp_id, "--agent-id", box.agent_id,
            "--base-url", box.base_url, "--secret-stdin", "--default", given=box.secret + "\n",
        )  # fmt: skip
        self.must("config", "set", "profiles.day.allow", "tag,tag_library,remark,handover,api")
        self.must("sync", "run")
        self.must("events", "setup", "--stdin", given=f"{TOKEN}\n{KEY}\n")
        self.port = 0
        self.receive()

    def receive(self) -> None:
        """Start the receiver and tell the sandbox its address."""
        self.receiver = self.start("events", "serve", "--port", str(self.port), "--json")
        assert self.receiver.stdout is not None
        line = json.loads(self.receiver.stdout.readline())
        self.port = int(line["url"].split(":")[2].split("/")[0])
        self.sandbox_control.call(
            "POST", "callback",
            {"url": line["url"], "token": TOKEN, "encoding_aes_key": KEY, "after": 0},
        )  # fmt: skip

    def end_receiver(self, how: signal.Signals) -> None:
        """Kill it, or let it end."""
        if self.receiver is not None:
            self.receiver.send_signal(how)
            _out, errors = self.receiver.communicate(timeout=60)
            if "Traceback" in errors:
                self.problems.append(f"events serve: {errors[-600:]}")
            self.receiver = None

    def hour(self, number: int) -> None:
        """The chain lives, something fails, somebody works."""
        dice = self.dice
        self.live()
        faults = [self.trouble() for _each in range(dice.randrange(3))]
        acts = dice.sample(
            [self.sync, self.tag, self.remark, self.hand_over, self.leavers, self.undo, self.export,
             self.work, self.watch, self.api, self.again],
            3,
        )  # fmt: skip
        for act in acts:
            act()
        for each in faults:
            self.sandbox_control.clear_faults(each)
        if number == 5:
            self.backup()
        if number == 9:
            self.erase()
        if number % 6 == 3:
            self.end_receiver(signal.SIGKILL)
            self.receive()
        if number % 12 == 7:
            self.run("db", "prune", "--older-than", "90d", "--yes")
        self.sandbox_control.advance(dice.randrange(HOUR // 2, HOUR * 2))

    def live(self) -> None:
        """What happens in a chain in an hour."""
        dice = self.dice
        with suppress(ControlError):
            self.sandbox_control.act(
                "random", count=dice.randrange(4, 20), seed=dice.randrange(1 << 30)
            )
        for kind in dice.sample(
            ["staff_leave", "staff_return", "console_assign", "userid_change"], 1
        ):
            about: dict[str, Any] = {"seed": dice.randrange(1 << 30)}
            if kind == "userid_change":
                about["userid"] = dice.choice(self.staff())
                about["new_userid"] = f"new.{dice.randrange(1 << 30)}"
            if kind == "console_assign":
                about["count"] = 3
            with suppress(ControlError):  # nobody fits
                self.sandbox_control.act(kind, **about)

    def trouble(self) -> int:
        """An API that answers wrongly for some calls."""
        dice = self.dice
        if dice.random() < 0.4:
            return self.sandbox_control.fault(
                dice.choice(ODD), dice.choice(READS[:4]), field=dice.choice(FIELDS), every=True,
                first=dice.randrange(1, 4),
            )  # fmt: skip
        kind, how = dice.choice([each for each in WRONG.values() if "field" not in each[1]])
        path = dice.choice(READS + WRITES)
        return self.sandbox_control.fault(kind, path, first=dice.randrange(1, 5), **how)

    def staff(self) -> list[str]:
        """Members at work with customers, but the one who made the company."""
        _first, *people = self.sandbox_control.export("staff")
        return [
            each["userid"] for each in people
            if not each["left_at"] and each["customer_contact"] and each["customers"]
        ]  # fmt: skip

    def apply(self, made: Ended) -> None:
        """Apply a plan that was made, sometimes killed on the way."""
        plan = made.json.get("plan_id")
        if made.code == 0 and plan and made.json.get("ready"):
            self.plans.append(plan)
            self.run("plan", "apply", plan, "--yes", "--wait", "10s", kill=self.dice.random() < 0.4)

    def sync(self) -> None:
        """Read WeCom."""
        self.run("sync", "run", kill=self.dice.random() < 0.4)

    def tag(self) -> None:
        """Mark some customers."""
        names = [each["name"] for each in self.run("tag", "list", "--json").json.get("items", [])]
        if names:
            owner, name = self.dice.choice(self.staff()), self.dice.choice(names)
            way = self.dice.choice(["--add", "--remove"])
            self.apply(self.run("tag", "plan", "--owner", f"userid:{owner}", way, name, "--json"))

    def remark(self) -> None:
        """Write remarks."""
        owner = self.dice.choice(self.staff())
        text = f"day {self.dice.randrange(1000)}"
        self.apply(
            self.run(
                "remark", "plan", "--owner", f"userid:{owner}", "--description", text, "--json"
            )
        )

    def hand_over(self) -> None:
        """On the job."""
        from_owner, to_owner = self.dice.sample(self.staff(), 2)
        self.apply(
            self.run(
                "handover",
                "plan",
                "--from",
                f"userid:{from_owner}",
                "--to",
                f"userid:{to_owner}",
                "--cap",
                "5",
                "--json",
            )
        )

    def leavers(self) -> None:
        """After leaving."""
        to_owner = self.dice.choice(self.staff())
        self.apply(self.run("leaver", "plan", "--to", f"userid:{to_owner}", "--cap", "8", "--json"))

    def undo(self) -> None:
        """Put one back."""
        if self.plans:
            self.apply(self.run("plan", "undo", self.dice.choice(self.plans), "--json"))

    def again(self) -> None:
        """What was not done."""
        if self.plans:
            self.run("job", "retry", self.dice.choice(self.plans))

    def export(self) -> None:
        """Customers as a file."""
        self.run(
            "customer", "export", str(self.folder / "out.csv"), "--force",
            kill=self.dice.random() < 0.5,
        )  # fmt: skip

    def work(self) -> None:
        """A worker, sometimes two."""
        other = self.start("job", "run", "--wait", "10s") if self.dice.random() < 0.5 else None
        self.run("job", "run", "--wait", "10s", kill=self.dice.random() < 0.4)
        if other is not None:
            _out, errors = other.communicate(timeout=120)
            if other.returncode == BUG:
                self.problems.append(f"a second job run: {errors[-600:]}")

    def watch(self) -> None:
        """Ask how handovers ended."""
        self.run("handover", "watch", "--once", kill=self.dice.random() < 0.3)

    def api(self) -> None:
        """A call by hand, which the journal tells of."""
        row = next(iter(self.sandbox_control.export("follows")))
        body = {key: row[key] for key in ("userid", "external_userid")} | {"remark": "by hand"}
        self.run(
            "api", "post", "externalcontact/remark", "-d", json.dumps(body), "--allow-write",
            "--reason", "day",
        )  # fmt: skip

    def backup(self) -> None:
        """A copy, put back at once; what it holds up is resumed by a person."""
        self.end_receiver(signal.SIGINT)
        copy = str(self.folder / "copy.db")
        self.must("db", "backup", copy)
        self.must("db", "restore", copy, "--yes")
        for plan in self.held():
            self.run("plan", "resume", plan)
        self.receive()

    def held(self) -> list[str]:
        """Plans that wait for a person."""
        found = self.run("plan", "list", "--all", "--json").json.get("items", [])
        return [each["plan_id"] for each in found if each.get("paused") or each.get("held")]

    def erase(self) -> None:
        """Forget one customer for ever."""
        rows = self.run("customer", "list", "-n", "1", "--json").json.get("items", [])
        if rows:
            person = rows[0]["external_userid"]
            ended = self.run("audit", "erase", person, "--yes", "--reason", "asked")
            if ended.code not in (0, 9):  # 9: a plan still has something to do with them
                self.problems.append(f"audit erase ended with {ended.code}: {ended.err[-600:]}")

    # -- the end

    def close(self, rounds: int) -> list[Ended]:
        """Calm: everything to its end, then the proofs; returns how these ended."""
        self.sandbox_control.clear_faults()
        for _round in range(rounds):
            for plan in self.held():
                self.run("plan", "resume", plan)
            self.run("job", "run", "--until-empty", "--wait", "60s")
            self.sandbox_control.advance(26 * HOUR)
            self.run("handover", "watch", "--now")
            self.must("sync", "run")
        self.end_receiver(signal.SIGINT)
        return [self.must(*words) for words in PROOFS]


TOKEN = "DayOfEverything"
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


def live(folder: Path, seed: int, hours: int, calm: int = 4) -> Day:
    """A day of a small chain, then some calm days."""
    began = time.monotonic()
    with SandboxProcess(stores=3, staff=12, follows=300, seed=seed) as sandbox:
        day = Day(folder, sandbox, seed)
        try:
            day.open()
            for number in range(hours):
                day.hour(number)
            ended = day.close(calm)
        finally:
            day.end_receiver(signal.SIGKILL)
    codes = ", ".join(f"{n} × {code}" for code, n in sorted(day.codes.items(), key=str))
    proofs = "; ".join(f"{' '.join(each.words)}: {each.code}" for each in ended)
    print(
        f"\nseed {seed}: {hours} hours in {time.monotonic() - began:.0f} s, {len(day.plans)} plans,"
        f" codes {codes}; {proofs}"
    )
    return day
