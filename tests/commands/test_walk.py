"""Every next step that a command prints is typed in the state in which it was printed.

Plans are walked by tests/changes/test_next_steps.py and tests/handover/test_ends.py; here are the
steps of empty lists, of mistakes and of a profile in its first hour.
"""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Answer, Cli

# what stands for a person's own word in a step: what to type for it
FILLED = {"NAME": "mine", "FILTER": "has:phone", "FILE": "mine.csv", "CODE": "1"}
STEP = re.compile(r"(?:[:：] ?|`)(storeops [a-z][^`\n]*?)(?=[`\n。；]|\. |; |$)", re.M)
MISTAKES = (
    "custmer list", "customer lst", "customer delete", "login", "logs", "apply",
    "customer list --nme", "customer list --limit 0", "customer list extra", "customer show",
    "customer show nobody-at-all", "staff show nobody", "store show nothing", "tag show nothing",
    "group show nothing", "view show nothing", "mark show nothing", "plan show nothing",
    "plan apply nothing", "plan apply last", "job show 99", "job retry nothing", "events show 99",
    "audit show 99", "customer list --where stats:x", "customer list --store nothing",
    "customer list --owner nobody", "customer list --status wrong", "customer list --fields nme",
    "config get nothing", "config set nothing x", "profile use nothing", "help nothing",
    "schema nothing", "tag plan --add nothing --where has:phone --follows all", "tag plan",
    "handover plan --from nobody --to nobody", "leaver show nobody", "plan undo last",
    "customer export x.pdf", "staff list --save x.pdf", "customer list --profile nothing",
    "order show nothing", "order import nothing.csv", "product import nothing.csv",
    "value show nobody", "forecast explain nothing.csv a b", "supplier show nothing",
    "supplier check nothing", "certificate add nothing", "lot show nothing", "trace back nothing",
    "care show 99", "care done 99", "commission explain nothing", "commission preview --month x",
    "alert show nothing", "notify retry 99", "notify send nobody text", "schedule show nothing",
    "schedule run nothing", "report nothing", "report daily --on wrong", "welcome test nothing",
    "plan freeze last", "plan pause last", "plan results last", "job retry last",
)  # fmt: skip
EMPTY = (
    "plan list", "job list", "mark list", "view list", "events list", "audit list",
    "handover status", "handover report", "handover quota", "customer list --where 王王王王王",
    "status", "sync status", "leaver list", "doctor", "tag rule check nothing-here",
    "order list", "order sources", "product list", "value run", "value segments", "stock list",
    "stock expiring", "supplier list", "certificate list", "certificate expiring", "care list",
    "care report", "care rule list", "commission rule list", "commission run", "alert list",
    "alert rules", "notify list", "notify log", "schedule list", "schedule history", "welcome log",
    "report daily",
)  # fmt: skip


def steps(answer: Answer) -> list[str]:
    """The command lines of an answer that can be typed as they stand, or with a word filled in."""
    text = re.sub(r"^storeops(?:: error|：错误).*$", "", answer.out + answer.err, flags=re.M)
    found = dict.fromkeys(each.strip(" .。") for each in STEP.findall(text))
    return [each for each in found if "…" not in each]


def type_(cli: Cli, line: str, folder: Path) -> Answer:
    words = [FILLED.get(word, word) for word in shlex.split(line)[1:]]
    words = [str(folder / word) if word == "mine.csv" else word for word in words]
    if words[:2] == ["plan", "apply"]:
        words.append("--yes")
    return cli(*words)


@pytest.mark.parametrize("state", ["new", "synced"])
@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_steps_of_mistakes_and_empty_lists_do_something(
    cli: Cli, shop: Any, tmp_path: Path, state: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOREOPS_LANG", language)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    if state == "synced":
        assert cli("sync", "run", "--quiet").code == 0
    typed: dict[str, Answer] = {}
    for line in (*MISTAKES, *EMPTY):
        answer = cli(*line.split())
        assert answer.code != 1, (line, answer.err)
        if line in MISTAKES:
            assert answer.code in (2, 3, 4, 5, 6, 9), (line, answer.code, answer.out)
            assert answer.err, line
        for step in steps(answer):
            if any(step.startswith(f"storeops {each}") for each in ("demo", "tui", "sync run")):
                continue
            if step not in typed:
                typed[step] = type_(cli, step, tmp_path)
            # what asks a person (profile add) says so; everything else does what it says
            # and a file of the person's own is not there
            asks = step.startswith(("storeops profile add", "storeops profile remove"))
            asks = asks or "FILE" in step or step.startswith("storeops notify robot add")
            usage = typed[step].code in (2, 5)
            assert typed[step].code != 1, (line, step, typed[step].err)
            assert asks or not usage or "last" in step or state == "new", (
                line, step, typed[step].err,
            )  # fmt: skip
    assert len(typed) > 12, typed
