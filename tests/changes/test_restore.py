"""After a restore nothing of what was under way happens again until a person says so."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from storeops import paths
from storeops.changes import apply

MARK = "externalcontact/mark_tag"


def plan_tag(cli: Any, corp: Any, title: str = "") -> str:
    tag = corp.app.data.execute("SELECT tag_id FROM tag LIMIT 1").fetchone()[0]
    words = ("tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all", "--json")
    made = cli(*words)
    assert made.code == 0, made.err
    return str(made.json["plan_id"])


def calls(corp: Any) -> int:
    return int(corp.sandbox.control.calls()["paths"].get(MARK, {"calls": 0})["calls"])


@pytest.fixture
def restored(cli: Any, corp: Any, tmp_path: Path) -> tuple[str, str, Any]:
    """A plan that was under way in the backup, done and undone since; one that was not applied."""
    name, other = plan_tag(cli, corp), plan_tag(cli, corp)
    apply.apply(corp.app.ledger, name)
    copy = tmp_path / "copy.db"
    assert cli("db", "backup", str(copy)).code == 0
    assert cli("job", "run").code == 0
    undo = cli("plan", "undo", name, "--json").json["plan_id"]
    assert cli("plan", "apply", undo, "--yes", "--wait", "5m").code == 0
    before = corp.truth(), calls(corp)
    corp.app.close()
    answer = cli("db", "restore", str(copy), "--yes", "--json")
    assert answer.code == 0, answer.err
    assert (corp.truth(), calls(corp)) == before
    return name, other, answer


def test_what_was_done_and_undone_since_is_not_done_again(
    cli: Any, corp: Any, restored: tuple[str, str, Any]
) -> None:
    name, other, answer = restored
    truth, sent = corp.truth(), calls(corp)
    assert list(answer.json["held"]) == [name]
    assert answer.json["held"][name] == answer.json["unknown_jobs"] > 0
    assert answer.json["cancelled"] == [other]
    assert f"plan resume {name}" in answer.err
    assert f"plan cancel {name}" in answer.err
    assert other in answer.err
    for _again in range(2):
        cli("job", "run", "--once")
        cli("job", "run")
    assert (corp.truth(), calls(corp)) == (truth, sent)
    stale = cli("plan", "apply", other, "--yes")
    assert stale.code == 9
    assert calls(corp) == sent
    card = cli("plan", "show", name)
    assert "a backup was restored" in card.out
    proof = cli("audit", "verify")
    assert proof.code == 0, "the lines since the backup are carried over: " + proof.err
    kinds = [each["kind"] for each in cli("audit", "list", "--json", "--all").json["items"]]
    assert kinds.count("plan.applied") == 2, "the undo of after the backup is told too"


def test_a_person_goes_on_by_name_and_wecom_is_asked_first(
    cli: Any, corp: Any, restored: tuple[str, str, Any]
) -> None:
    name = restored[0]
    assert cli("plan", "resume", name).code == 0
    assert cli("job", "run").code == 0
    rows = cli("plan", "results", name, "--json", "-n", "1000").json["items"]
    assert {row["status"] for row in rows} == {"done"}
    kinds = [each["kind"] for each in cli("audit", "list", "--json", "--all").json["items"]]
    assert "db.restored" in kinds
    assert "plan.resumed" in kinds


def test_a_person_gives_it_up_and_nothing_is_sent(
    cli: Any, corp: Any, restored: tuple[str, str, Any]
) -> None:
    name, sent = restored[0], calls(corp)
    assert cli("plan", "cancel", name).code == 0
    assert cli("job", "run").code == 0
    assert calls(corp) == sent
    rows = cli("plan", "results", name, "--json", "-n", "1000").json["items"]
    assert {row["status"] for row in rows} == {"cancelled"}


def test_what_is_held_holds_up_nobody_else(
    cli: Any, corp: Any, restored: tuple[str, str, Any]
) -> None:
    fresh = plan_tag(cli, corp)
    done = cli("plan", "apply", fresh, "--yes", "--wait", "2m", "--json")
    assert done.code == 0, done.err
    assert set(done.json["rows"]) == {"done"}


def test_the_copy_is_safe_before_it_takes_the_place(
    cli: Any, corp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stops a restore, nobody can ever work at unfinished jobs of the backup."""
    from storeops.database import backup as room

    name = plan_tag(cli, corp)
    apply.apply(corp.app.ledger, name)
    copy = tmp_path / "copy.db"
    assert cli("db", "backup", str(copy)).code == 0
    assert cli("job", "run").code == 0
    seen: list[list[tuple[Any, ...]]] = []
    real = room._overwrite

    def spy(source: Path, path: Path, on_pages: Any) -> None:
        with sqlite3.connect(source) as connection:
            found = connection.execute("SELECT DISTINCT status, held FROM job").fetchall()
        connection.close()
        seen.append(found)
        real(source, path, on_pages)

    monkeypatch.setattr(room, "_overwrite", spy)
    corp.app.close()
    assert cli("db", "restore", str(copy), "--yes").code == 0
    assert seen == [[("unknown", 1)]]


KILLED = """
import os, signal, sys
from storeops.database import backup
whole = backup._overwrite
def killed(*words, **more):
    whole(*words, **more)
    os.kill(os.getpid(), signal.SIGKILL)
backup._overwrite = killed
from commands.main import run
sys.exit(run(sys.argv[1:]))
"""


def test_a_restore_that_is_killed_sends_nothing_again(cli: Any, corp: Any, tmp_path: Path) -> None:
    """Killed where the copy has just taken the place; the long form is tests/chaos/own_files.py."""
    import signal
    import subprocess
    import sys

    apply.apply(corp.app.ledger, plan_tag(cli, corp))
    copy = tmp_path / "copy.db"
    assert cli("db", "backup", str(copy)).code == 0
    assert cli("job", "run").code == 0
    sent = calls(corp)
    corp.app.close()
    words = [sys.executable, "-c", KILLED, "db", "restore", str(copy), "--yes"]
    assert subprocess.run(words, capture_output=True, check=False).returncode == -signal.SIGKILL
    cli("job", "run")
    assert calls(corp) == sent
    assert cli("audit", "verify").code == 0


def test_a_lock_of_another_process_is_no_damage_and_moves_nothing(
    cli: Any, corp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy.db"
    assert cli("db", "backup", str(copy)).code == 0
    corp.app.close()
    data = paths.data_db("t")
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda p, **k: real(p, **{**k, "timeout": 0.05}))
    holder = real(data, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("DELETE FROM staff")
    try:
        for words in (("db", "check"), ("db", "restore", str(copy), "--yes"), ("db", "vacuum")):
            answer = cli(*words, "--json")
            assert (answer.code, json.loads(answer.err.splitlines()[-1])["reason"]) == (9, "locked")
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert not list(paths.backups_dir("t").iterdir())
    monkeypatch.undo()


def test_a_damaged_file_that_a_program_has_open_is_not_moved_away(
    cli: Any, corp: Any, tmp_path: Path
) -> None:
    import subprocess
    import sys

    copy = tmp_path / "copy.db"
    assert cli("db", "backup", str(copy)).code == 0
    corp.app.close()
    data = paths.data_db("t")
    code = (
        "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('SELECT count(*) FROM staff').fetchone()\nprint('open', flush=True)\n"
        "sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        with data.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 8192)
        damaged = data.read_bytes()
        corp.app.close()
        assert cli("db", "restore", str(copy), "--yes").code == 9
        assert data.read_bytes() == damaged
    finally:
        process.communicate()
    corp.app.close()
    assert cli("db", "restore", str(copy), "--yes").code == 0
    assert cli("db", "check").code == 0


def test_nobody_begins_to_work_while_a_backup_takes_its_place(
    cli: Any, corp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storeops.app import App
    from storeops.database import backup as room
    from storeops.errors import ConflictError

    copy = tmp_path / "copy.db"
    assert cli("db", "backup", str(copy)).code == 0
    corp.app.close()
    real = room._overwrite
    refused: list[str] = []

    def meanwhile(*how: Any) -> None:
        late = App.open("t")
        for name in ("data", "run", "inbox"):
            with pytest.raises(ConflictError) as caught:
                getattr(late, name)
            refused.append(caught.value.hint)
        late.close()
        real(*how)

    monkeypatch.setattr(room, "_overwrite", meanwhile)
    assert cli("db", "restore", str(copy), "--yes").code == 0
    assert len(refused) == 3
    assert "Try again" in refused[0]
    assert cli("customer", "list", "-n", "1").code == 0
    assert cli("audit", "verify").code == 0


def test_a_backup_that_is_not_there_is_named_before_anybody_is_asked(cli: Any, corp: Any) -> None:
    answer = cli("db", "restore", "/nowhere.db")
    assert answer.code == 5
    assert "There is no backup /nowhere.db" in answer.err


@pytest.mark.parametrize("kind", ["hash", "earlier version", "no key", "open"])
def test_a_restore_does_not_bring_erased_people_back(
    cli: Any, corp: Any, tmp_path: Path, kind: str
) -> None:
    name = plan_tag(cli, corp)
    apply.apply(corp.app.ledger, name)
    if kind != "open":
        assert cli("job", "run").code == 0
    copy = tmp_path / "copy.db"
    assert cli("db", "backup", str(copy)).code == 0
    assert cli("job", "run").code == 0
    people = [
        row[0]
        for row in corp.app.data.execute(
            "SELECT DISTINCT external_userid FROM plan_row ORDER BY 1 LIMIT 2"
        )
    ]
    if kind == "hash":  # one of whom no line and no plan tells
        people += corp.app.data.execute(
            "SELECT external_userid FROM customer WHERE external_userid NOT IN"
            " (SELECT external_userid FROM plan_row) LIMIT 1"
        ).fetchone()
    for each in people:
        assert cli("audit", "erase", each, "--yes").code == 0
    if kind == "earlier version":
        forget_who(corp.app)
    if kind == "no key":
        (paths.profile_dir("t") / "journal.key").unlink()
    corp.app.close()
    answer = cli("db", "restore", str(copy), "--yes", "--json")
    assert answer.code == 0, answer.err
    there = [each for each in people if cli("customer", "show", each).code == 0]
    if kind == "no key":
        assert "Of 2 erasures" in answer.err
        return
    if kind == "open":
        assert answer.json["still_to_erase"] == there == people
        assert f"storeops audit erase {people[0]}" in answer.err
        assert cli("plan", "cancel", name).code == 0
        assert cli("audit", "erase", people[0], "--yes").code == 0
        return
    assert (there, answer.json["erased_again"]) == ([], len(people))
    for file in paths.profile_dir("t").glob("data.db*"):
        content = file.read_bytes()
        assert not [each for each in people if each.encode() in content]
    if kind == "hash":
        assert cli("audit", "verify").code == 0
    assert cli("db", "check", "--thorough").code == 0


def forget_who(app: Any) -> None:
    """Write the lines about erasures as an earlier version did: without the keyed hash."""
    from storeops.changes.journal import JournalLine, object_of

    told = [
        {name: value for name, value in object_of(payload).items() if name != "who"}
        for (payload,) in app.data.execute(
            "SELECT payload FROM journal WHERE kind = 'audit.erased'"
        )
    ]
    app.data.execute("UPDATE journal SET payload = json_set(payload, '$.who', '')"
                     " WHERE kind = 'audit.erased'")  # fmt: skip
    app.ledger.journal.write(
        app.data, [JournalLine("audit.erased", payload=each) for each in told], app.clock.now()
    )
