"""The control side, saved states, settings with their page, and real processes."""

import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

from storeops.sandbox import local, server, snapshot
from storeops.sandbox.export import TABLES
from storeops.sandbox.local import ControlError
from storeops.sandbox.settings import CHOICES, Settings, described

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"


def _raw(api, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(api.host, api.port, timeout=10)
    own = {"X-Sandbox-Key": api.sandbox.control_key}
    connection.request(method, path, body, own if headers is None else headers)
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


# -- status, routing, safety


def test_status_counts_are_true(api):
    counts = api.control.status()["counts"]
    assert counts["follows"] == 240
    assert counts["staff"] == 14
    assert counts["unassigned"] == len(api.export("unassigned"))
    assert counts["departments"] == len(api.export("departments"))
    assert counts["groups"] == len(api.export("groups"))
    assert counts["tags"] == len(api.export("tags"))
    assert api.control.status()["pid"] == os.getpid()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_sandbox/nothing", 404),
        ("GET", "/_sandbox/", 404),
        ("DELETE", "/_sandbox/status", 404),
        ("POST", "/_sandbox/calls/else", 404),
        ("POST", "/_sandbox/token/else", 404),
        ("GET", "/_sandbox/export/else", 404),
        ("DELETE", "/_sandbox/faults/99", 404),
        ("DELETE", "/_sandbox/faults/x", 400),
        ("POST", "/_sandbox/clock", 400),
        ("GET", "/_sandbox/__class__", 404),
    ],
)
def test_control_refusals(api, method, path, status):
    answer = _raw(api, method, path)
    assert answer[0] == status
    assert set(json.loads(answer[1])["error"]) == {"code", "message"}


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff"])
def test_control_wants_json_objects(api, body):
    status, answer = _raw(api, "POST", "/_sandbox/act", body)
    assert status == 400
    assert json.loads(answer)["error"]["code"] == "bad_json"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example.test"},
        {"Host": "evil.example.test"},
        {"Origin": "null"},
        {"Host": "127.0.0.1.evil.example.test:80"},
        {"Host": "127.0.0.1@evil.example.test"},
        {"Host": "10.0.0.1"},
        {"Host": "localhost.evil.example.test"},
    ],
)
def test_no_web_page_may_drive_it(api, headers):
    headers = {**headers, "X-Sandbox-Key": api.sandbox.control_key}
    status, answer = _raw(api, "POST", "/_sandbox/token/kill", b"", headers)
    assert status == 403
    assert json.loads(answer)["error"]["code"] == "not_local"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.test", "8.8.8.8"])
def test_only_this_machine(host):
    with pytest.raises(ValueError, match="this machine only"):
        server.loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8"])
def test_loopback_addresses(host):
    assert server.loopback(host)


# -- settings


def test_settings_change_for_all_calls_or_not_at_all(api):
    assert api.control.settings()["in_flight_limit"] == 5
    assert api.control.settings(in_flight_limit=9)["in_flight_limit"] == 9
    for bad in (
        {"nothing": 1},
        {"in_flight_limit": "x"},
        {"in_flight_limit": -1},
        {"in_flight_limit": True},
        {"short_page_rate": 2},
        {"batch_bad_member": "perhaps"},
        {"trusted_ips": 7},
        {"unionid_bound": "perhaps"},
    ):
        with pytest.raises(ControlError) as error:
            api.control.settings(minute_limit=77, **bad)
        assert error.value.code == "bad_request"
    assert api.control.settings()["minute_limit"] == 10_000
    assert api.control.settings(trusted_ips="127.0.0.1,::1")["trusted_ips"] == ["127.0.0.1", "::1"]


def test_every_setting_stands_on_the_page_with_its_default():
    page = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", page, re.MULTILINE))
    truth = {}
    for name, default, _doc in described():
        value = list(default) if isinstance(default, tuple) else default
        truth[name] = json.dumps(value) if not isinstance(value, str) else value
    assert rows == truth
    assert all(doc.endswith(".") for _, _, doc in described())


def test_choices_are_of_known_settings_and_hold_their_default():
    defaults = {name: default for name, default, _ in described()}
    for name, choices in CHOICES.items():
        assert defaults[name] in choices
    texts = {n for n, d, _ in described() if isinstance(d, str)}
    assert texts == set(CHOICES)


def test_every_fault_kind_and_act_stands_on_the_page():
    from storeops.sandbox.acts import ACTS
    from storeops.sandbox.faults import KINDS

    page = PAGE.read_text(encoding="utf-8")
    for word in (*KINDS, *ACTS, *TABLES):
        assert f"`{word}`" in page, word


def test_settings_are_frozen():
    with pytest.raises(AttributeError):
        Settings().latency_ms = 5


# -- saved states


def test_a_saved_state_comes_back_whole(api):
    api.control.act("random", count=80, seed=3)
    made = api.ext("add_corp_tag", {"group_name": "存", "tag": [{"name": "a"}]})["tag_group"]
    api.ext(
        "customer_strategy/create",
        {
            "strategy_name": "s",
            "admin_list": ["u_office"],
            "range": [{"type": 2, "partyid": 1}],
        },
    )
    truth = {table: api.export(table) for table in TABLES}
    events, now = api.control.events(), api.control.now()
    state = api.control.saved()
    api.control.reset(follows=10, seed=9)
    assert {table: api.export(table) for table in TABLES} != truth
    api.control.load(state)
    assert {table: api.export(table) for table in TABLES} == truth
    assert api.control.events() == events
    assert 0 <= api.control.now() - now < 30
    api.forget_token()
    assert api.ext("customer_strategy/list")["strategy"]
    assert api.ext("edit_corp_tag", {"id": made["tag"][0]["id"], "name": "b"})["errcode"] == 0
    row = api.follows()[0]
    assert api.control.act("follow_add", userid="g00002", name="载后")["userid"] == "g00002"
    assert api.get("externalcontact/get", external_userid=row["external_userid"])["errcode"] == 0


def _zip(**parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_json", ".json"), content)
    return file.getvalue()


def _changed(state, name, change):
    """The state with one part of it changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(state)) as old, zipfile.ZipFile(file, "w") as new:
        for part in old.namelist():
            content = old.read(part)
            new.writestr(part, change(content) if part == name else content)
    return file.getvalue()


def _corp(change):
    def edit(raw):
        data = json.loads(raw)
        change(data)
        return json.dumps(data)

    return lambda state: _changed(state, "corp.json", edit)


def _set(where, value):
    *path, last = where

    def change(data):
        for step in path:
            data = data[step]
        data[last] = value

    return change


DAMAGES = {
    "nothing": lambda state: b"",
    "no zip": lambda state: b"PK nothing",
    "cut": lambda state: state[: len(state) // 2],
    "other version": lambda state: _zip(corp_json='{"format":99}'),
    "half": lambda state: _zip(corp_json='{"format":1}'),
    "a list": lambda state: _zip(corp_json="[]"),
    "deep": lambda state: _zip(corp_json="[" * 100_000),
    "short column": lambda state: _changed(state, "follows/created", lambda raw: raw[:-4]),
    "odd bytes": lambda state: _changed(state, "follows/member", lambda raw: raw[:-1]),
    "member": lambda state: _changed(state, "follows/member", lambda raw: b"\xff" * len(raw)),
    "customer": lambda state: _changed(state, "follows/customer", lambda raw: b"\xff" * len(raw)),
    "circle": lambda state: _changed(state, "follows/next_same", lambda raw: bytes(len(raw))),
    "held": lambda state: _changed(state, "held/3", lambda raw: b"\xff" * 8),
    "ids": lambda state: _changed(state, "customers/ids", lambda raw: raw[:-1]),
    "names": lambda state: _changed(state, "customers/name", lambda raw: raw + b"\nx"),
    "tag set": lambda state: _changed(state, "follows/tag_sets", lambda raw: b"[[999999]]"),
    "userid": _corp(_set(("members", 1, "userid"), 5)),
    "departments": _corp(_set(("members", 1, "department"), ["x"])),
    "owner": _corp(lambda data: data["groups"][0].update(owner=10**9)),
    "seats": _corp(lambda data: data["groups"][0].update(seats=[[1, "who", 3, 4]])),
    "unknown field": _corp(lambda data: data["members"][0].update(nothing=1)),
    "no apps": _corp(lambda data: data.pop("apps")),
    "clock": _corp(lambda data: data.update(now="soon")),
    "events": _corp(lambda data: data.update(events=7)),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_loading_what_is_no_state_changes_nothing(api, damage):
    before = api.export("follows"), api.export("staff"), api.control.now()
    bad = DAMAGES[damage](api.control.saved())
    with pytest.raises(ControlError) as error:
        api.control.load(bad)
    assert (error.value.status, error.value.code) == (400, "bad_request")
    assert (api.export("follows"), api.export("staff")) == before[:2]
    assert api.control.now() - before[2] in range(10)


def test_a_bomb_is_no_state(api, monkeypatch):
    monkeypatch.setattr(snapshot, "_UNPACKED", 1_000_000)
    bomb = _zip(corp_json=b"[" + b" " * 1_100_000 + b"]")
    bombs = _zip(**{f"held__{n}": bytes(300_000) for n in range(4)})
    for each in (bomb, bombs):
        with pytest.raises(ControlError, match="unpacks"):
            api.control.load(each)


# -- who may steer it


EVERYTHING = [
    *((m, p) for m in ("GET", "POST", "DELETE", "PATCH", "PUT") for p in ("status", "clock")),
    ("GET", "calls"), ("POST", "calls/reset"), ("GET", "faults"), ("POST", "faults"),
    ("DELETE", "faults"), ("GET", "settings"), ("GET", "settings/meanings"), ("PATCH", "settings"),
    ("POST", "token/kill"), ("POST", "token/expire"), ("POST", "limits"), ("GET", "act"),
    ("POST", "act"), ("GET", "events"), ("GET", "callback"), ("POST", "callback"),
    ("DELETE", "callback"), ("GET", "export/staff"), ("POST", "reset"), ("GET", "handover"),
    ("POST", "handover/reset"), ("POST", "stop"), ("GET", "state"), ("PUT", "state"),
    ("POST", "save"), ("POST", "load"), ("GET", ""), ("GET", "__class__"),
]  # fmt: skip


@pytest.mark.parametrize("key", [None, "", "wrong", "x" * 43, "\xff"])
def test_nothing_without_the_key(api, key):
    before = api.control.status()
    for method, path in EVERYTHING:
        headers = {} if key is None else {"X-Sandbox-Key": key}
        status, answer = _raw(api, method, f"/_sandbox/{path}", b"{}", headers)
        assert (status, json.loads(answer)["error"]["code"]) == (403, "no_key"), path
        assert before["apps"][0]["secret"].encode() not in answer
    after = api.control.status()
    assert {**after, "now": 0, "max_rss_mb": 0} == {**before, "now": 0, "max_rss_mb": 0}


def test_the_key_does_not_outlive_the_sandbox():
    with (
        local.start(stores=1, staff=4, follows=5) as one,
        local.start(stores=1, staff=4, follows=5) as other,
    ):
        assert one.control_key != other.control_key
        with pytest.raises(ControlError, match="key"):
            local.Control(other.base_url, one.control_key).status()


def test_no_file_is_named_over_the_wire(api, tmp_path):
    for path in ("save", "load"):
        with pytest.raises(ControlError) as error:
            api.control.call("POST", path, {"path": str(tmp_path / "x")})
        assert error.value.code == "no_such_control"
    assert list(tmp_path.iterdir()) == []


def test_a_reset_is_a_new_world(api):
    token = api.token
    api.control.fault("cut", "nothing")
    api.control.reset(seed=7, follows=100, stores=2, staff=8)
    status = api.control.status()
    assert status["counts"]["follows"] == 100
    assert (status["faults"], status["counts"]["events"]) == (0, 0)
    assert api.send("department/list", access_token=token)["errcode"] == 40014
    for bad in ({"nothing": 1}, {"follows": "x"}, {"stores": 0}):
        with pytest.raises(ControlError):
            api.control.call("POST", "reset", bad)
    assert api.control.status()["counts"]["follows"] == 100


# -- as a handle and as a process


def test_a_handle_starts_with_settings_and_stops():
    with local.start(stores=1, staff=4, follows=20, start_at=1_800_000_000, latency_ms=1) as own:
        assert own.control.settings()["latency_ms"] == 1
        assert 1_800_000_000 <= own.control.now() < 1_800_000_100
        url = own.base_url
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/_sandbox/status", timeout=2)
    with pytest.raises(ValueError, match="no such setting"):
        local.start(nothing=1)


def _spawn(*words, **kwargs):
    return subprocess.Popen(
        [sys.executable, "-m", "storeops.sandbox", "--follows", "50", "--stores", "2", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )


def test_a_process_says_one_line_and_ends_on_a_signal():
    process = _spawn("--staff", "6", "--set", "in_flight_limit=3")
    ready = json.loads(process.stdout.readline())
    assert set(ready) == {"base_url", "corp_id", "agent_id", "secret", "pid", "control_key"}
    assert ready["pid"] == process.pid
    control = local.Control(ready["base_url"], ready["control_key"])
    assert control.settings()["in_flight_limit"] == 3
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert (out, err) == ("", "")


def test_a_process_ends_with_the_one_that_started_it():
    process = _spawn("--staff", "6", "--until-eof", stdin=subprocess.PIPE)
    assert json.loads(process.stdout.readline())["pid"] == process.pid
    process.stdin.close()
    assert process.wait(timeout=20) == 0
    process.stdout.close()
    process.stderr.close()


@pytest.mark.parametrize(
    "words",
    [["--host", "0.0.0.0"], ["--staff", "1"], ["--set", "nothing=1"], ["--load", "/no/file"]],
)
def test_a_process_refuses_in_one_sentence(words):
    process = _spawn(*words)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1


def _fetch(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read()


def test_faults_leave_no_noise_on_stderr():
    process = _spawn("--staff", "6")
    ready = json.loads(process.stdout.readline())
    control = local.Control(ready["base_url"], ready["control_key"])
    for kind in ("cut", "truncate", "lost", "timeout", "status", "invalid"):
        fault = control.fault(kind, "gettoken", seconds=0.05)
        with pytest.raises((OSError, http.client.HTTPException, ValueError)):
            json.loads(_fetch(f"{ready['base_url']}/cgi-bin/gettoken?corpsecret=x"))
        control.clear_faults(fault)
    control.call("POST", "stop")
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    out, err = process.communicate(timeout=5)
    assert (process.returncode, out, err) == (0, "", "")
