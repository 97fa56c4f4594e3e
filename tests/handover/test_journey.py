"""The six commands of the page and the README, as a person runs them: no network, no help."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def six_commands(page: str = "docs/handover.md") -> list[str]:
    """The command lines of the page's block that plans for leavers."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|console)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    (block,) = [each for each in blocks if "leaver plan --to" in each]
    text = block.replace("\\\n", " ")
    return [line.split("#")[0].strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_readme_shows_the_same_six(page):
    assert six_commands(page) == six_commands()


@pytest.mark.timeout(150)
def test_from_nothing_to_every_final_answer_in_six_commands(tmp_path):
    commands = six_commands()
    assert len(commands) <= 6
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith("STOREOPS_")},
        "STOREOPS_HOME": str(tmp_path / "home"),
        "STOREOPS_LANG": "en",
    }
    # somebody tried the demo first: its profile is the default, and must be left alone
    folder = tmp_path / "home" / "config"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "config.toml").write_text(
        'profile = "demo"\n[profiles.demo]\ncorp_id = "ww0123456789abcdef"\n'
        'base_url = "http://127.0.0.1:9"\nsandbox = true\n'
    )
    began = time.monotonic()
    plan = ""
    outputs = []
    try:
        for line in commands:
            words = line.replace("PLAN", plan).split()
            assert words[0] == "storeops"
            done = subprocess.run(
                [sys.executable, "-m", "storeops", *words[1:], "--json"],
                env=env, capture_output=True, text=True, timeout=100, check=False,
            )  # fmt: skip
            declined = (0, 6) if words[1:3] == ["handover", "watch"] else (0,)
            assert done.returncode in declined, (line, done.stdout, done.stderr)
            outputs.append(json.loads(done.stdout.splitlines()[-1]))
            plan = outputs[-1].get("plan_id") or plan
        assert time.monotonic() - began <= 120
        made, watched = outputs[2], outputs[-1]
        assert len(made["takers"]) == 3
        assert all(to_owner["customers"] for to_owner in made["takers"])
        assert made["ready"] == made["rows"] > 10
        assert watched["waiting"] == 0
        assert sum(watched["settled"].values()) == made["ready"]
        results = subprocess.run(
            [sys.executable, "-m", "storeops", "plan", "results", plan, "--json",
             "--profile", "chain"],
            env=env, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        rows = json.loads(results.stdout)["items"]
        assert len(rows) == made["rows"]
        assert {row["status"] for row in rows} <= {"done", "refused", "taker_full"}
        assert all(row["settled_at"] and row["due_at"] for row in rows)
    finally:
        subprocess.run(
            [sys.executable, "-m", "storeops", "sandbox", "down", "--profile", "chain"],
            env=env, capture_output=True, timeout=30, check=False,
        )  # fmt: skip
