"""`storeops schedule` as people and cron type it; the tasks are real processes."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from storeops import paths

LONG = ("job", "run", "--for", "60s", "--quiet")  # a command that waits


def due_now(profile: str, name: str) -> None:
    """Let a task be due, as if its moment had come a minute ago."""
    db = sqlite3.connect(paths.data_db(profile))
    with db:
        db.execute(
            "UPDATE schedule_task SET answered_at = answered_at - 1036800, next_at = ?"
            " WHERE name = ?",
            (time.time() - 60, name),
        )
    db.close()


def add(cli, name, *words, **options):
    given = [word for key, value in options.items() for word in (f"--{key}", value)]
    answer = cli("schedule", "add", name, "--cron", "0 2 * * *", *given, "--", *words)
    assert answer.code == 0, answer.err
    return answer


def start(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "storeops", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ,
    )


def until(what, seconds: float = 60.0):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
    return found


def running(profile: str) -> int | None:
    db = sqlite3.connect(paths.data_db(profile))
    row = db.execute("SELECT pid FROM schedule_run WHERE status = 'running'").fetchone()
    db.close()
    return row[0] if row else None


def test_shapes(cli, profile):
    add(cli, "morning", "version", calendar="workdays", jitter="5m")
    (item,) = cli("schedule", "list", "--json").json["items"]
    assert list(item) == [
        "name", "cron", "command", "enabled", "next_run_at", "last_run_at", "last_exit_code",
        "last_duration_s", "missed",
    ]  # fmt: skip
    assert item["command"] == "storeops version"
    assert (item["last_run_at"], item["missed"], item["enabled"]) == (None, 0, True)
    due_now(profile, "morning")
    answer = cli("schedule", "run-due", "--json").json
    assert answer["skipped"] == []
    (ran,) = answer["ran"]
    assert list(ran) == ["name", "due_at", "started_at", "exit_code", "duration_s"]
    assert (ran["name"], ran["exit_code"]) == ("morning", 0)
    shown = cli("schedule", "show", "morning", "--json").json
    assert len(shown["next"]) == 5
    assert "storeops" in shown["output"]
    assert cli("schedule", "show", "morning", "--output").out.startswith("storeops")
    (past,) = cli("schedule", "history", "--json").json["items"]
    assert (past["name"], past["status"], past["attempt"]) == ("morning", "ended", 1)
    assert cli("schedule", "remove", "morning", "--yes").code == 0
    assert cli("schedule", "list", "--json").json["items"] == []
    assert cli("schedule", "history", "morning", "--json").json["items"] == [past]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sync", "rnu"), "Did you mean `storeops sync run`?"),
        (("sync", "run", "--nope"), "--nope"),
        (("sync", "run", "--profile", "other"), "--profile"),
        (("schedule", "run-due"), "cannot be a task"),
        (("tui",), "cannot be a task"),
        (("--json", "version"), "instead of a noun"),
        (("api", "get", "x?access_token=abc"), "secret"),
    ],
)
def test_a_command_that_cannot_be_typed_is_refused(cli, profile, words, said):
    answer = cli("schedule", "add", "x", "--cron", "0 2 * * *", "--", *words)
    assert answer.code == 2
    assert said in answer.err
    assert cli("schedule", "list", "--json").json["items"] == []


def test_names(cli, profile):
    add(cli, "夜班", "version")
    again = cli("schedule", "add", "夜班", "--cron", "0 3 * * *", "--", "version")
    assert again.code == 9
    assert cli("schedule", "add", "../x", "--cron", "0 3 * * *", "--", "version").code == 2
    wrong = cli("schedule", "show", "夜")
    assert wrong.code == 5
    replaced = cli(
        "schedule", "add", "夜班", "--cron", "0 3 * * *", "--replace", "--json", "--", "version"
    )
    assert replaced.json["cron"] == "0 3 * * *"
    assert cli("schedule", "run", "夜班").code == 0


def test_a_failure_stands_everywhere_and_ends_run_due_with_6(cli, profile):
    add(cli, "gone", "customer", "show", "nobody")
    due_now(profile, "gone")
    answer = cli("schedule", "run-due")
    assert answer.code == 6
    assert "gone" in answer.err
    (item,) = cli("schedule", "list", "--json").json["items"]
    assert item["last_exit_code"] == 5
    steps = cli("status", "--json").json["steps"]
    assert "storeops schedule show gone" in {each["next_step"] for each in steps}
    assert cli("schedule", "run", "gone").code == 5


def test_with_nothing_due_nothing_is_written(cli, profile):
    add(cli, "morning", "version")
    folder = paths.profile_dir(profile)

    def files() -> dict[str, bytes]:
        return {
            str(path): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and not path.name.endswith("-shm")
        }  # fmt: skip

    cli("schedule", "run-due")
    before = files()
    answer = cli("schedule", "run-due", "--quiet")
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    assert files() == before


def test_a_run_by_hand_is_no_sign_that_something_calls_run_due(cli, profile, monkeypatch):
    from storeops.domains.schedule import checks

    monkeypatch.setattr(checks, "installed", lambda _profile: "")
    add(cli, "morning", "version")
    assert cli("schedule", "run", "morning").code == 0
    assert schedule_check(cli) == ("warning", "nothing was seen to call run-due")
    due_now(profile, "morning")
    assert cli("schedule", "run-due").code == 0
    assert schedule_check(cli)[0] == "ok"


def schedule_check(cli):
    (found,) = [
        each for each in cli("doctor", "--json").json["findings"] if each["check"] == "schedule"
    ]
    return found["status"], found["detail"]


def test_what_takes_too_long_is_ended_with_all_it_started(cli, profile):
    add(cli, "long", *LONG, timeout="1s", retries="0")
    due_now(profile, "long")
    begun = time.monotonic()
    assert cli("schedule", "run-due").code == 6
    assert time.monotonic() - begun < 40
    (past,) = cli("schedule", "history", "--json").json["items"]
    assert past["status"] == "timeout"


def test_run_due_killed_in_mid_task(cli, profile):
    """Nothing runs twice at once, nothing is lost: the next one takes over."""
    add(cli, "long", *LONG)
    due_now(profile, "long")
    first = start("schedule", "run-due")
    task = until(lambda: running(profile))
    beside = cli("schedule", "run-due", "--json").json
    assert beside == {"ran": [], "skipped": []}  # claimed: it is not due any more
    assert cli("schedule", "run", "long").code == 9
    first.kill()
    first.communicate()
    # its keeper is gone, the task is not: nobody begins it anew
    assert cli("schedule", "run-due", "--json").json["ran"] == []
    assert running(profile) == task
    os.kill(task, signal.SIGKILL)
    second = start("schedule", "run-due", "--json")
    other = until(lambda: (found := running(profile)) != task and found)
    second.send_signal(signal.SIGTERM)
    _out, _err = second.communicate()
    assert second.returncode == 143
    assert other != task
    past = cli("schedule", "history", "--json").json["items"]
    assert [(each["status"], each["attempt"]) for each in past] == [("stopped", 2), ("lost", 1)]
    assert len({each["due_at"] for each in past}) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(other, 0)


def test_install_prints_what_works_as_it_stands(cli, profile, home):
    line = cli("schedule", "install", "--crontab").out.strip()
    assert line.startswith("*/5 * * * * STOREOPS_HOME=")
    assert line.endswith("# storeops: tasks of shop")
    shell = line.removeprefix("*/5 * * * * ").replace(r"\%", "%")
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, cwd="/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    units = cli("schedule", "install", "--systemd", "--every", "10m").out
    assert "OnCalendar=*:0/10" in units
    assert "schtasks /Create" in cli("schedule", "install", "--windows").out
    assert cli("schedule", "install", "--every", "7m").code == 2
    assert json.loads(cli("schedule", "install", "--json").out)["written"] is False


def test_crontab_of_others_stays(cli, profile, tmp_path, monkeypatch):
    tab = tmp_path / "tab"
    tab.write_text("MAILTO=a\n0 1 * * * backup # storeops: tasks of other\n")
    tool = tmp_path / "crontab"
    tool.write_text(f'#!/bin/sh\nif [ "$1" = -l ]; then cat {tab}; else cat > {tab}; fi\n')
    tool.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for _again in range(2):
        assert cli("schedule", "install", "--crontab", "--write").code == 0
    lines = tab.read_text().splitlines()
    assert lines[:2] == ["MAILTO=a", "0 1 * * * backup # storeops: tasks of other"]
    assert len(lines) == 3
    checks = {each["check"]: each for each in cli("doctor", "--json").json["findings"]}
    assert "schedule" not in checks  # without a task there is nothing to call
    add(cli, "morning", "version")
    checks = {each["check"]: each for each in cli("doctor", "--json").json["findings"]}
    assert checks["schedule"]["status"] == "ok"


def test_defaults_are_a_night(cli, profile):
    found = cli("schedule", "defaults", "--json").json["items"]
    assert {"sync", "watch", "jobs", "events", "backup", "prune", "report"} <= {
        e["name"] for e in found
    }
    assert cli("schedule", "list", "--json").json["items"] == []
    assert cli("schedule", "defaults", "--add").code == 0
    there = cli("schedule", "list", "--json").json["items"]
    assert [each["name"] for each in there] == sorted(each["name"] for each in found)
    assert all(each["there"] for each in cli("schedule", "defaults", "--json").json["items"])


def test_the_morning_report_goes_to_a_group_that_is_known(cli, profile, monkeypatch):
    """To nobody else: a person is no place for it unless somebody says so."""

    def proposed() -> str:
        found = cli("schedule", "defaults", "--json").json["items"]
        return next(each["command"] for each in found if each["name"] == "report")

    assert proposed() == "storeops report daily --quiet"
    assert cli("notify", "app", "add", "boss", "--user", "u_boss").code == 0
    assert proposed() == "storeops report daily --quiet"
    monkeypatch.setattr("sys.stdin", io.StringIO("693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa\n"))
    assert cli("notify", "robot", "add", "ops").code == 0
    assert proposed() == "storeops report daily --quiet --send ops"


def test_output_is_kept_within_bounds(tmp_path, monkeypatch):
    from storeops.domains.schedule import process

    kept = process.Process.__new__(process.Process)
    kept.output = tmp_path / "1.log"
    kept.output.write_bytes(b"begin\n" + b"x" * 3_000_000 + b"\nend")
    kept._bound()
    text = kept.output.read_bytes()
    assert len(text) < process.MOST_OUTPUT
    assert text.startswith(b"begin")
    assert text.endswith(b"end")


@pytest.mark.parametrize(
    "words",
    [
        ("events", "serve"), ("sandbox", "up"), ("demo",), ("tui",), ("schedule", "run", "a"),
        ("hub", "serve"), ("hub", "follow"), ("hub", "up", "--demo"),
    ],
)  # fmt: skip
def test_what_never_ends_by_itself_is_no_task(cli, profile, words):
    refused = cli("schedule", "add", "a", "--cron", "@daily", "--", *words)
    assert refused.code == 2
    assert "cannot be a task" in refused.err


@pytest.mark.parametrize("verb", ["serve", "follow"])
def test_what_ends_with_a_flag_is_a_task_with_it(cli, profile, verb):
    add = ("schedule", "add", "a", "--cron", "@daily", "--", "hub", verb)
    assert "--once" in cli(*add).err
    assert cli(*add, "--once").code == 0


def test_a_task_runs_in_a_folder_that_is_there(cli, profile, tmp_path):
    add = ("schedule", "add", "a", "--cron", "@daily", "--folder")
    refused = cli(*add, str(tmp_path / "none"), "--", "status")
    assert refused.code == 2
    assert "is no folder" in refused.err
    assert cli(*add, str(tmp_path), "--", "status").code == 0
