"""Kills of restore, backup, export and profile changes, touch of the disk by touch.

Afterwards nothing is sent a second time, no half of a file is taken for one, and nothing is left
behind of what the killed process was writing.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storeops.app import DATA_ROOMS, App, migrations
from storeops.changes import apply
from storeops.database.check import check
from storeops.sandbox import local
from tests.chaos import killed as driver

KINDS = ("restore", "restore damaged", "backup", "export", "profile add", "profile remove")
MARK = "externalcontact/mark_tag"


@dataclass
class Report:
    """What a drill did.

    Attributes:
        kills: processes that were killed, by kind.
        touches: touches of the disk in a run that was left alone, by kind.
        problems: what must not be.
    """

    kills: dict[str, int] = field(default_factory=dict)
    touches: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class World:
    """A home with unfinished work in its backup, all of which was done and undone since."""

    def __init__(self, folder: Path, sandbox: local.SandboxHandle) -> None:
        from storeops import config, secrets

        self.folder, self.sandbox = folder, sandbox
        self.home = folder / "home"
        os.environ["STOREOPS_HOME"] = str(self.home)
        config.save_profile(
            config.Profile(
                "shop", sandbox.corp_id, agent_id=sandbox.agent_id,
                base_url=sandbox.base_url, sandbox=True,
            )
        )  # fmt: skip
        secrets.save("shop", sandbox.secret)
        self.must("sync", "run", "-q")
        self.plan, self.stale = self._plan(), self._plan()
        app = App.open("shop")
        apply.apply(app.ledger, self.plan)
        app.close()
        self.must("db", "backup", str(folder / "copy.db"))
        self.must("job", "run")
        undo = self.run(self.home, "plan", "undo", self.plan, "--json").stdout
        name = undo.split('"plan_id": "')[1].split('"')[0]
        self.must("plan", "apply", name, "--yes", "--wait", "5m")
        self.must("customer", "export", "--csv", str(folder / "reference.csv"))

    def _plan(self) -> str:
        app = App.open("shop")
        (tag,) = app.data.execute("SELECT tag_id FROM tag LIMIT 1").fetchone()
        app.close()
        made = self.run(
            self.home, "tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all",
            "--json",
        ).stdout  # fmt: skip
        return made.split('"plan_id": "')[1].split('"')[0]

    def must(self, *words: str) -> None:
        done = self.run(self.home, *words)
        assert done.returncode == 0, (words, done.stderr)

    def calls(self) -> int:
        found = self.sandbox.control.calls()["paths"].get(MARK, {})
        return int(found.get("calls", 0))

    def run(
        self, home: Path, *words: str, at: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command in a process of its own; with `at`, one that dies at that touch."""
        program = (
            [sys.executable, "-m", "storeops"]
            if at is None
            else [sys.executable, driver.__file__, str(at), str(home.parent)]
        )
        return subprocess.run(
            [*program, *words], capture_output=True, text=True, timeout=120, check=False,
            input="invented\n",
            env={**os.environ, "STOREOPS_HOME": str(home), "STOREOPS_LANG": "en"},
        )  # fmt: skip


def drill(world: World, kinds: dict[str, int], *, seed: int) -> Report:
    """Kill each kind of command so many times, at touches chosen by `seed`.

    Args:
        world: a home, and what is true at its sandbox.
        kinds: kills by kind; 0 stands for every touch, one after another.
        seed: of the dice.
    """
    dice, report = random.Random(seed), Report()
    for kind, kills in kinds.items():
        home = _KilledHome(world, kind, 0)
        done = home.run(0)
        total = int(done.stderr.rsplit("touches ", 1)[1])
        report.touches[kind] = total
        assert done.returncode == 0, f"{kind} fails without a kill: {done.stderr}"
        if problems := home.look(done.returncode):
            report.problems += [f"{kind}, not killed: {each}" for each in problems]
        home.close()
        moments = (
            sorted(dice.sample(range(1, total + 1), min(kills, total)))
            if kills
            else range(1, total + 1)
        )
        for at in moments:
            home = _KilledHome(world, kind, at)
            code = home.run(at).returncode
            report.kills[kind] = report.kills.get(kind, 0) + (code < 0)
            report.problems += [f"{kind}, touch {at}: {each}" for each in home.look(code)]
            home.close()
    return report


class _KilledHome:
    """A copy of the home for one kill."""

    def __init__(self, world: World, kind: str, number: int) -> None:
        self.world, self.kind = world, kind
        self.base = world.folder / f"{kind.replace(' ', '-')}-{number}"
        self.home, self.out = self.base / "home", self.base / "out"
        shutil.copytree(world.home, self.home)
        self.out.mkdir()
        if kind == "restore damaged":
            data = self.home / "data" / "shop" / "data.db"
            with data.open("r+b") as file:
                file.seek(4096)
                file.write(b"\xff" * 16384)

    def close(self) -> None:
        shutil.rmtree(self.base)

    def run(self, at: int) -> subprocess.CompletedProcess[str]:
        words: dict[str, tuple[str, ...]] = {
            "restore": ("db", "restore", str(self.world.folder / "copy.db"), "--yes"),
            "restore damaged": ("db", "restore", str(self.world.folder / "copy.db"), "--yes"),
            "backup": ("db", "backup", str(self.out / "b.db")),
            "export": ("customer", "export", "--csv", str(self.out / "e.csv")),
            "profile add": (
                "profile", "add", "second", "--corp-id", "ww0123456789abcdef", "--agent-id", "1",
                "--base-url", self.world.sandbox.base_url, "--secret-stdin", "--no-check",
            ),
            "profile remove": ("profile", "remove", "shop", "--data", "--yes"),
        }  # fmt: skip
        return self.world.run(self.home, *words[self.kind], at=at)

    def look(self, code: int) -> list[str]:
        """What is wrong after the kill and the next commands of a person."""
        problems = []
        checks: dict[str, Callable[[], list[str]]] = {
            "restore": self._restored, "restore damaged": self._restored,
            "backup": self._backed_up, "export": self._exported,
            "profile add": self._profiles, "profile remove": self._removed,
        }  # fmt: skip
        problems += checks[self.kind]()
        self._run("status")
        left = [
            str(each.relative_to(self.base))
            for each in self.base.rglob("*")
            if each.name.endswith((".part", ".part-wal", ".part-journal", ".tmp", ".probe"))
            or each.parent.name == ".scratch"
        ]
        if left:
            problems.append(f"left behind: {left}")
        return problems

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = self.world.run(self.home, *words)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def _restored(self) -> list[str]:
        problems: list[str] = []
        sent = self.world.calls()
        if self._run("db", "check").returncode:  # damaged still, or moved aside and not yet there
            again = self._run("db", "restore", str(self.world.folder / "copy.db"), "--yes")
            if again.returncode:
                problems.append(f"it cannot be restored again: {again.stderr}")
        self._run("job", "run")
        restored = "db.restored" in self._run("audit", "list", "--json", "--all").stdout
        if restored:
            stale = self._run("plan", "apply", self.world.stale, "--yes", "--wait", "1m")
            if stale.returncode != 9:
                problems.append(f"a stale plan was applied: {stale.returncode}")
        if self.world.calls() != sent:
            problems.append(f"{self.world.calls() - sent} calls were sent again")
        proof = self._run("audit", "verify")
        if proof.returncode and self.kind == "restore":
            problems.append(f"the journal: {proof.stderr}")
        return problems

    def _backed_up(self) -> list[str]:
        copy = self.out / "b.db"
        if copy.exists() and not check(copy, migrations(DATA_ROOMS), thorough=True).whole:
            return ["a backup that is not whole"]
        return []

    def _exported(self) -> list[str]:
        made, whole = self.out / "e.csv", self.world.folder / "reference.csv"
        if made.exists() and made.read_bytes() != whole.read_bytes():
            return ["half an export has the name of a whole one"]
        return []

    def _profiles(self) -> list[str]:
        listed = self._run("profile", "list")
        return [] if listed.returncode == 0 and "shop" in listed.stdout else [listed.stderr]

    def _removed(self) -> list[str]:
        if "shop" in self._run("profile", "list").stdout:
            again = self._run("profile", "remove", "shop", "--data", "--yes")
            if again.returncode:
                return [f"it cannot be removed again: {again.stderr}"]
        problems = []
        if (self.home / "data" / "shop").exists():
            problems.append("its people are still there")
        secrets = self.home / "config" / "secrets.toml"
        if "shop" in secrets.read_text():
            problems.append("its secret is still there")
        return problems


def summary(report: Report) -> str:
    """One line a kind."""
    lines: list[Any] = [
        f"{kind}: {report.kills.get(kind, 0)} kills at {touches} touches"
        for kind, touches in report.touches.items()
    ]
    return "\n".join([*lines, f"{len(report.problems)} problems"])
