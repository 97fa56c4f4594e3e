"""The control side, saved states, settings with their page, and real processes."""

import http.client
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

from storeops.sandbox import local, server
from storeops.sandbox.export import TABLES
from storeops.sandbox.local import ControlError
from storeops.sandbox.settings import CHOICES, Settings, described

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"


def _raw(api, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(api.host, api.port, timeout=10)
    connection.request(method, path, body, headers or {})
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
    [{"Origin": "http://evil.example.test"}, {"Host": "evil.example.test"}, {"Origin": "null"}],
)
def test_no_web_page_may_drive_it(api, headers):
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


def test_a_saved_state_comes_back_whole(api, tmp_path):
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
    path = str(tmp_path / "state.zip")
    api.control.save(path)
    api.control.reset(follows=10, seed=9)
    assert {table: api.export(table) for table in TABLES} != truth
    api.control.load(path)
    assert {table: api.export(table) for table in TABLES} == truth
    assert api.control.events() == events
    assert 0 <= api.control.now() - now < 30
    api.forget_token()
    assert api.ext("customer_strategy/list")["strategy"]
    assert api.ext("edit_corp_tag", {"id": made["tag"][0]["id"], "name": "b"})["errcode"] == 0
    row = api.follows()[0]
    assert api.control.act("follow_add", userid="g00002", name="载后")["userid"] == "g00002"
    assert api.get("externalcontact/get", external_userid=row["external_userid"])["errcode"] == 0


def test_loading_what_is_no_state(api, tmp_path):
    before = api.export("follows")
    plain = tmp_path / "plain.zip"
    plain.write_bytes(b"PK nothing")
    foreign = tmp_path / "foreign.zip"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("corp.json", '{"format":99}')
    halved = tmp_path / "half.zip"
    with zipfile.ZipFile(halved, "w") as archive:
        archive.writestr("corp.json", '{"format":1}')
    for path in (plain, foreign, halved, tmp_path / "missing.zip"):
        with pytest.raises(ControlError) as error:
            api.control.load(str(path))
        assert error.value.code in ("bad_request", "file_error")
    with pytest.raises(ControlError):
        api.control.load("relative.zip")
    with pytest.raises(ControlError):
        api.control.save(str(tmp_path / "no" / "folder.zip"))
    assert api.export("follows") == before


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
    assert set(ready) == {"base_url", "corp_id", "agent_id", "secret", "pid"}
    assert ready["pid"] == process.pid
    control = local.Control(ready["base_url"])
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
    control = local.Control(ready["base_url"])
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
