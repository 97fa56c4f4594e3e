"""`storeops events` and `storeops sandbox callback`, as people and programs use them."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from storeops import config, paths, secrets
from storeops.app import App
from storeops.operations import events as callbacks
from storeops.operations.events import open_receiver
from tests.events.calling_corp import CallingCorp
from tests.events.sealing import KEY, TOKEN, request
from tests.events.sealing import event as xml

CORP = "ww00000000000000aa"
ADD = {
    "Event": "change_external_contact",
    "ChangeType": "add_external_contact",
    "UserID": "clerk_01",
    "ExternalUserID": "wm\x1b[31m1",
    "Remark": "call 13800138000",
}


@pytest.fixture
def real(home: Any) -> Iterator[App]:
    """A profile of a real company with its keys."""
    config.save_profile(config.Profile("main", CORP), make_default=True)
    secrets.save_callback("main", TOKEN, KEY)
    app = App.open("main")
    yield app
    app.close()


def take(app: App, message: bytes, **how: Any) -> None:
    open_receiver(app).receive(*request(message, **{"corp": CORP, **how}))


# -- keys


def test_setup_reads_both_from_stdin_and_keeps_them_private(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.save_profile(config.Profile("main", CORP), make_default=True)
    secrets.save("main", "app-secret")
    assert cli("events", "status", "--json").json["keys"] is False
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{TOKEN}\n{KEY}\n"))
    answer = cli("events", "setup", "--stdin")
    assert answer.code == 0
    assert TOKEN not in answer.out + answer.err
    assert KEY not in answer.out + answer.err
    assert stat.S_IMODE(paths.secrets_file().stat().st_mode) == 0o600
    assert TOKEN not in paths.config_file().read_text()
    assert cli("events", "status", "--json").json["keys"] is True
    assert secrets.get("main").reveal() == "app-secret"
    assert callbacks.keys(App.open("main").profile).token == TOKEN
    cli("profile", "remove", "main")
    assert TOKEN not in paths.secrets_file().read_text()


@pytest.mark.parametrize("text", ["", f"{TOKEN}\n", f"{TOKEN}\n{KEY[:-1]}\n", f"a b\n{KEY}\n"])
def test_setup_refuses_what_is_none_and_saves_nothing(
    cli: Any, real: App, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    before = paths.secrets_file().read_bytes()
    assert cli("events", "setup", "--stdin").code == 2
    assert paths.secrets_file().read_bytes() == before


def test_new_keys_are_for_sandboxes_only(cli: Any, real: App) -> None:
    before = paths.secrets_file().read_bytes()
    assert cli("events", "setup", "--new").code == 2
    assert paths.secrets_file().read_bytes() == before


def test_without_a_person_or_stdin_it_says_how(cli: Any, real: App) -> None:
    answer = cli("events", "setup", "--json")
    assert answer.code == 2
    assert "--stdin" in answer.error["hint"]


def test_keys_come_from_the_environment_first(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    config.save_profile(config.Profile("main", CORP), make_default=True)
    monkeypatch.setenv("STOREOPS_CALLBACK_TOKEN_MAIN", TOKEN)
    assert cli("events", "serve").code == 3
    monkeypatch.setenv("STOREOPS_CALLBACK_KEY_MAIN", "too short")
    answer = cli("events", "serve")
    assert answer.code == 3
    assert "malformed" in answer.err
    assert "too short" not in answer.err
    monkeypatch.setenv("STOREOPS_CALLBACK_KEY_MAIN", KEY)
    assert cli("events", "status", "--json").json["keys"] is True


# -- looking


def test_list_and_show_for_people_and_programs(cli: Any, real: App) -> None:
    assert cli("events", "list").err.strip().endswith("Nothing was received yet.")
    take(real, xml(1767225600, **{**ADD, "ExternalUserID": "wm1"}))
    take(real, xml(1767225601, Event="sys_approval_change", Note="a\u202eb"))
    take(real, xml(1767225602, **ADD), key=KEY[::-1])
    rows = cli("events", "list", "--json").json["items"]
    assert [row["status"] for row in rows] == ["unreadable", "kept", "received"]
    assert rows[2]["external_userid"] == "wm1"
    assert rows[2]["create_time"] == "2026-01-01T00:00:00Z"
    assert [
        row["event_id"] for row in cli("events", "list", "--json", "-n", "1").json["items"]
    ] == [3]
    after = cli("events", "list", "--json", "--after", "3", "--status", "kept,received").json
    assert [row["event_id"] for row in after["items"]] == [2, 1]
    only = cli("events", "list", "--json", "--change", "add_external_contact", "--customer", "wm1")
    assert [row["event_id"] for row in only.json["items"]] == [1]
    assert cli("events", "list", "--status", "nonsense").code == 2
    table = cli("events", "list").out
    assert "another key" in table
    assert "means nothing to the mirror" in table
    shown = cli("events", "show", "1", "--json").json
    assert shown["message"]["Remark"] == "call 138****8000"
    assert len(shown["requests"]) == 1
    assert (
        cli("events", "show", "1", "--json", "--reveal")
        .json["message"]["Remark"]
        .endswith("13800138000")
    )
    assert cli("events", "show", "3", "--json").json["message"] is None
    assert cli("events", "show", "99").code == 5
    assert "\u202e" not in cli("events", "show", "2").out


def test_status_names_what_was_refused(cli: Any, real: App) -> None:
    receiver = open_receiver(real)
    query, body = request(xml(1, **ADD), corp=CORP)
    from storeops.events.receiver import Refused

    with pytest.raises(Refused):
        receiver.receive({**query, "nonce": "x"}, body)
    receiver.flush()
    row = cli("events", "status", "--json").json
    assert row["refused"] == {"signature": 1}
    assert row["received"] == 0
    assert "wrong signature 1" in cli("events", "status").out


def test_retry_reads_what_another_key_had_sealed(
    cli: Any, real: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(real, xml(5, **ADD), key=KEY[::-1])
    assert cli("events", "retry").code == 2
    assert cli("events", "retry", "7").code == 5
    assert cli("events", "retry", "--unreadable", "--json").json == {"due": 0, "readable": 0}
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{TOKEN}\n{KEY[::-1]}\n"))
    assert cli("events", "setup", "--stdin").code == 0
    assert cli("events", "retry", "--unreadable", "--json").json == {"due": 0, "readable": 1}
    (row,) = cli("events", "list", "--json").json["items"]
    assert row["status"] == "received"


def test_forget_asks_first_and_leaves_what_waits(cli: Any, real: App) -> None:
    take(real, xml(1, Event="sys_approval_change"))
    take(real, xml(2, **ADD))
    real.inbox.execute("UPDATE event SET received_at = received_at - 86400 * 30")
    assert cli("events", "forget", "--older-than", "7d").code == 2
    assert cli("events", "forget", "--yes").code == 2
    other = ("--customer", "somebody else", "--yes", "--json")
    assert cli("events", "forget", *other).json == {"forgotten": 0}
    assert cli("events", "forget", "--older-than", "60d", "--yes", "--json").json == {
        "forgotten": 0
    }
    assert cli("events", "forget", "--older-than", "7d", "--yes", "--json").json == {"forgotten": 1}
    assert [row["status"] for row in cli("events", "list", "--json").json["items"]] == ["received"]


# -- running


def test_run_says_what_it_did_and_ends_with_6_when_some_failed(
    cli: Any, called: CallingCorp
) -> None:
    assert cli("events", "run", "--json").json["ended"] == "empty"
    (who, bad), (other, good) = list(called.corp.follows())[:2]
    called.control.fault("errcode", "externalcontact/get", errcode=40058, match=bad)
    called.control.act("remark_edit", userid=who, external_userid=bad, remark="x")
    called.control.act("remark_edit", userid=other, external_userid=good, remark="y")
    called.delivered()
    answer = cli("events", "run", "--json")
    assert answer.code == 6
    assert (answer.json["handled"], answer.json["failed"], answer.json["left"]) == (1, 1, 1)
    assert answer.error["category"] == "partial"
    called.control.clear_faults()
    assert cli("events", "retry", "--failed", "--json").json["due"] == 1
    assert cli("events", "run", "--json").json["handled"] == 1


def test_serve_receives_handles_and_ends_in_good_order(called: CallingCorp) -> None:
    """A process of its own, told to end by Ctrl-C; nothing of keys or phones is said anywhere."""
    serve = subprocess.Popen(
        [sys.executable, "-m", "storeops", "events", "serve", "--port", "0", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ},
    )  # fmt: skip
    assert serve.stdout is not None
    assert serve.stderr is not None
    try:
        said = json.loads(serve.stdout.readline())
        assert said["pid"] == serve.pid
        answer = called.save(said["url"])
        assert answer["url"] == said["url"]
        done = called.control.act("remark_edit", remark="served")
        assert called.delivered()["answered"] == 1
        for _ in range(200):
            found = called.status_of(done["userid"], done["external_userid"])
            if found is not None and found[2] == "served":
                break
            import time

            time.sleep(0.05)
        else:
            raise AssertionError("not handled")
        serve.send_signal(signal.SIGINT)
        assert serve.wait(15) == 130
        error = serve.stderr.read()
        assert json.loads(error.splitlines()[-1])["category"] == "interrupted"
        log = paths.log_file()
        text = error + (log.read_text() if log.exists() else "")
        assert called.keys.token not in text
        assert called.keys.encoding_aes_key not in text
    finally:
        serve.kill()
        serve.wait()
        serve.stdout.close()
        serve.stderr.close()


def test_serving_goes_on_when_handling_breaks_down(
    cli: Any, real: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    from commands import events as command
    from storeops.errors import ConfigError

    calls: list[int] = []

    def handle(wiring: Any, **how: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ConfigError("the disk is full, call 13800138000")
        if len(calls) == 2:
            raise KeyError("a bug")
        how["stop"].set()

    monkeypatch.setattr(callbacks, "handle", handle)
    monkeypatch.setattr(command, "_REST_S", 0.01)
    answer = cli("events", "serve", "--port", "0")
    assert answer.code == 130
    assert len(calls) == 3
    assert "the disk is full" in answer.err
    assert "KeyError" in answer.err
    assert "bug" in paths.log_file().read_text()


def test_the_sandbox_calls_back_by_command(cli: Any, called: CallingCorp) -> None:
    assert cli("sandbox", "callback", "clear", "--json").json == {"cleared": True}
    assert cli("sandbox", "callback", "show", "--json").json["url"] is None
    called.control.act("remark_edit", remark="before")
    answer = cli("sandbox", "callback", "set", called.server.url, "--json")
    assert (answer.json["url"], answer.json["events"]) == (called.server.url, 0)
    assert answer.json["earlier"] > 0  # what happened before is not played again
    assert "--replay" in cli("sandbox", "callback", "set", called.server.url).out
    called.control.act("remark_edit", remark="x")
    called.delivered()
    row = cli("sandbox", "events", "--json", "-n", "500").json["items"][-1]
    assert (row["delivery"], row["attempts"][0]["answer"]) == ("answered", "success")
    assert "×1 200 success" in cli("sandbox", "events", "-n", "500").out
    assert "Answered" in cli("sandbox", "callback", "show").out
    again = cli("sandbox", "callback", "set", called.server.url, "--replay", "--json").json
    assert (again["earlier"], again["events"] > 1) == (0, True)
    refused = cli("sandbox", "callback", "set", called.server.url + "/elsewhere")
    assert refused.code == 2
    assert "40057" in refused.err


def test_a_sandbox_profile_without_keys_gets_some(cli: Any, called: CallingCorp) -> None:
    secrets.forget(called.corp.profile)
    secrets.save(called.corp.profile, called.corp.sandbox.secret)
    assert callbacks.find_keys(called.app.profile) is None
    assert cli("sandbox", "callback", "set", called.server.url).code == 2  # the server has others
    assert callbacks.find_keys(called.app.profile) is not None


def test_what_another_process_holds_is_put_back(called: CallingCorp) -> None:
    """data.db is locked for longer than anybody waits: no event loses a try."""
    import sqlite3

    from storeops.errors import ConflictError
    from storeops.events.listing import events

    called.control.act("remark_edit", remark="x")
    called.delivered()
    called.app.data.execute("PRAGMA busy_timeout = 50")
    holder = sqlite3.connect(called.app.data.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(ConflictError):
        callbacks.handle(called.app)
    holder.execute("ROLLBACK")
    holder.close()
    (event,) = events(called.app.inbox)
    assert (event.status, event.attempts) == ("received", 0)


def test_a_path_begins_with_a_slash(cli: Any, real: App) -> None:
    assert cli("events", "serve", "--path", "callback").code == 2


def test_who_was_not_answered_is_told(cli: Any, real: App) -> None:
    """At the limit of open files or with a full disk, whoever looks hears of it."""
    assert "events" not in {row["check"] for row in doctor(cli)}, "nothing was ever received"
    receiver = open_receiver(real)
    receiver.refuse_connection("full")
    receiver.refuse_connection("full")
    receiver.refuse_connection("not_stored")
    receiver.flush()
    said = cli("events", "status")
    assert "turned away, nothing free 2" in said.out
    assert "were not answered" in said.err
    (row,) = [row for row in doctor(cli) if row["check"] == "events"]
    assert row["status"] == "warning"
    assert "turned away, nothing free 2" in row["detail"]
    assert "ulimit -n" in row["fix"]
    real.inbox.execute("UPDATE refusal SET last_at = last_at - 86400")
    assert "not answered" not in cli("events", "status").err
    (row,) = [row for row in doctor(cli) if row["check"] == "events"]
    assert row["status"] == "ok"


def doctor(cli: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cli("doctor", "--offline", "--json").json["findings"]
    return found
