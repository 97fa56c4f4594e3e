"""`storeops sandbox …` as people and scripts type it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path

import pytest

from storeops import config
from storeops.sandbox import local

SMALL = ("--stores", "2", "--staff", "8", "--follows", "60")


@pytest.fixture(scope="module")
def server():
    with local.start(stores=2, staff=8, follows=60) as sandbox:
        yield sandbox


@pytest.fixture
def on(cli, server, remember):
    """The command line aimed at a running sandbox."""
    server.control.reset(seed=7, stores=2, staff=8, follows=60)
    remember(server)

    def call(*words):
        return cli("sandbox", *words, "--url", server.base_url)

    return call


def test_status(on, server):
    row = on("status", "--json").json
    assert row["counts"]["follows"] == 60
    assert row["base_url"] == server.base_url
    assert "60" in on("status").out


def test_clock(on):
    before = on("clock", "show", "--json").json["now"]
    assert on("clock", "advance", "24h", "--json").json["now"] - before in range(86_400, 86_420)
    assert on("clock", "advance", "soon").code == 2
    assert on("clock", "advance", "2d").code == 0


def test_faults(on):
    added = on("fault", "add", "errcode", "--errcode", "45009", "--path", "user/*", "--json")
    assert added.json["errcode"] == 45009
    listed = on("fault", "list", "--json").json["items"]
    assert [f["path"] for f in listed] == ["user/*"]
    assert "user/*" in on("fault", "list").out
    assert on("fault", "clear", str(added.json["id"])).code == 0
    assert on("fault", "list", "--json").json["items"] == []
    assert on("fault", "add", "nonsense").code == 2
    bad = on("fault", "add", "cut", "--rate", "7", "--json")
    assert bad.code == 2
    assert "rate" in bad.error["message"]


def test_calls_and_settings(on, server):
    row = on("settings", "set", "in_flight_limit=9", "trusted_ips=10.0.0.1,10.0.0.2", "--json").json
    assert row == {"in_flight_limit": 9, "trusted_ips": ["10.0.0.1", "10.0.0.2"]}
    values = {r["name"]: r["value"] for r in on("settings", "list", "--json").json["items"]}
    assert values["in_flight_limit"] == 9
    assert on("settings", "set", "nothing=1").code == 2
    assert on("settings", "set", "nothing").code == 2
    server.control.settings(in_flight_limit=5, trusted_ips=[])
    local_url = f"{server.base_url}/cgi-bin/gettoken"
    urllib.request.urlopen(local_url, timeout=5).read()
    rows = on("calls", "--reset", "--json").json
    assert rows["total"] == 1
    assert rows["items"][0]["errcodes"] == {"41004": 1}
    assert on("calls", "--json").json["items"] == []


def test_acts_and_events(on):
    done = on("act", "follow_add", "userid=g00001", "name=[red]x", "state=007", "--json").json
    assert done["userid"] == "g00001"
    rows = [json.loads(line) for line in on("export", "follows").out.splitlines()]
    mine = next(r for r in rows if r["external_userid"] == done["external_userid"])
    assert (mine["name"], mine["state"]) == ("[red]x", "007")
    tags = [json.loads(line)["tag_id"] for line in on("export", "tags").out.splitlines()][:2]
    marked = on(
        "act",
        "tag_mark",
        "userid=g00001",
        f"external_userid={done['external_userid']}",
        f"add={json.dumps(tags)}",
        "--json",
    )
    assert marked.json["add"] == tags
    events = on("events", "--json").json
    assert [e["change_type"] for e in events["items"]] == [
        "add_external_contact",
        "edit_external_contact",
    ]
    later = on("events", "--after", "1", "--json").json
    assert [e["seq"] for e in later["items"]] == [2]
    assert on("act", "nothing").code == 2
    assert on("act", "follow_add", "userid").code == 2
    assert "staff_leave" in on("act").out
    assert on("act", "random", "count=3", "--json").json["count"] == 3


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (("act", "staff_leav"), "The sandbox has no act staff_leav.", "staff_leave"),
        (("act", "zzz"), "The sandbox has no act zzz.", "storeops sandbox act"),
        (("settings", "set", "zzz=1"), "The sandbox has no setting zzz.", "sandbox settings list"),
    ],
)
def test_what_the_sandbox_does_not_know_is_said_in_our_words(on, words, said, hint):
    answer = on(*words)
    assert answer.code == 2
    assert said in answer.err
    assert hint in answer.err


def test_tokens_reset_save_load(on, tmp_path):
    assert on("token", "expire", "--json").json == {"expired": 0}
    assert on("token", "kill").code == 0
    file = tmp_path / "state.zip"
    assert on("save", str(file), "--json").json["bytes"] == file.stat().st_size
    assert on("reset", "--follows", "9", "--json").json["counts"]["follows"] == 9
    assert on("load", str(file), "--json").json["counts"]["follows"] == 60
    assert on("load", str(tmp_path / "none.zip")).code == 2
    assert on("export", "nothing").code == 5
    assert on("export", "staff", "--csv").out.startswith("userid,name,")


def test_which_sandbox_is_meant(cli, server):
    none = cli("sandbox", "status", "--json")
    assert (none.code, none.error["category"]) == (5, "not_found")
    assert none.error["next_steps"] == ["storeops sandbox up --detach"]
    far = cli("sandbox", "status", "--url", "http://10.0.0.1:80")
    assert far.code == 2
    dead = cli("sandbox", "status", "--url", "http://127.0.0.1:9", "--json")
    assert (dead.code, dead.error["category"]) == (8, "network")
    config.save_profile(config.Profile(name="real", corp_id="ww0123456789abcdef"))
    real = cli("--profile", "real", "sandbox", "status", "--json")
    assert real.code == 2
    assert "real" in real.error["message"]


def test_up_detached_makes_a_profile_and_down_ends_it(cli, home):
    up = cli("sandbox", "up", "--detach", "--json", "--profile", "demo", *SMALL)
    assert up.code == 0, up.err
    assert len(up.out.splitlines()) == 1
    known = up.json
    assert set(known) == {"base_url", "corp_id", "agent_id", "secret", "pid", "control_key"}
    try:
        written = tomllib.loads((home / "config" / "config.toml").read_text())
        profile = written["profiles"]["demo"]
        assert profile["sandbox"] is True
        assert (profile["corp_id"], profile["base_url"]) == (known["corp_id"], known["base_url"])
        assert known["secret"] not in (home / "config" / "config.toml").read_text()
        for file in (home / "data" / "sandboxes").iterdir():
            assert file.stat().st_mode & 0o077 == 0
        status = cli("sandbox", "status", "--json").json
        assert (status["pid"], status["counts"]["follows"]) == (known["pid"], 60)
        again = cli("--profile", "demo", "sandbox", "clock", "show", "--json")
        assert again.code == 0
    finally:
        down = cli("sandbox", "down", "--json")
    assert down.json == {"base_url": known["base_url"], "pid": known["pid"], "stopped": True}
    with pytest.raises(ProcessLookupError):
        os.kill(known["pid"], 0)
    assert "another chain" not in up.err
    assert cli("--profile", "demo", "schedule", "list").code == 0  # makes data.db
    second = cli("sandbox", "up", "--detach", "--json", "--profile", "demo", *SMALL)
    try:
        assert "another chain" in second.err
        assert second.json["base_url"] == known["base_url"]  # the profile stays true
    finally:
        cli("sandbox", "down")


def test_up_refuses_in_one_sentence(cli, tmp_path):
    config.save_profile(config.Profile(name="real", corp_id="ww0123456789abcdef"))
    assert cli("sandbox", "up", "--detach", "--profile", "real").code == 9
    for words in (
        ("--set", "nothing=1"),
        ("--load", str(tmp_path / "none.zip")),
        ("--staff", "60000"),
        ("--stores", "0"),
        ("--port", "99999"),
    ):
        answer = cli("sandbox", "up", "--detach", *words, "--json")
        assert answer.code == 2, words
        assert answer.error["message"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_in_the_foreground_the_sandbox_ends_with_its_command(home: Path, number):
    words = [sys.executable, "-m", "storeops", "sandbox", "up", "--json", *SMALL]
    environment = {**os.environ, "STOREOPS_HOME": str(home)}
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    known = json.loads(process.stdout.readline())
    control = local.Control(known["base_url"], known["control_key"])
    assert control.status()["pid"] == known["pid"]
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    for _ in range(400):
        try:
            os.kill(known["pid"], 0)
        except ProcessLookupError:
            break
        time.sleep(0.02)
    else:
        pytest.fail("the sandbox outlived its command")


# -- whose sandbox it is


def _records(home):
    return home / "data" / "sandboxes"


def test_every_sandbox_is_listed_with_the_line_that_stops_it(cli, home):
    one = cli("sandbox", "up", "--detach", "--profile", "demo", "--json", *SMALL).json
    two = cli("sandbox", "up", "--detach", *SMALL)
    try:
        config.save_profile(
            config.Profile("gone", "ww0", base_url="http://127.0.0.1:9", sandbox=True)
        )
        rows = cli("sandbox", "list", "--json").json["items"]
        assert [(r["profile"], r["alive"]) for r in rows] == [
            ("", True),
            ("demo", True),
            ("gone", False),
        ]
        assert (rows[1]["base_url"], rows[1]["pid"]) == (one["base_url"], one["pid"])
        assert (rows[2]["pid"], rows[2]["stop"]) == (None, "")
        assert f"`{rows[0]['stop']}`" in two.err  # the same line as `up` printed
        assert "control_key" not in rows[0]
        table = cli("sandbox", "list")
        assert one["base_url"] in table.out
    finally:
        for row in cli("sandbox", "list", "--json").json["items"]:
            if row["alive"]:
                assert cli(*row["stop"].split()[1:]).code == 0
    rows = cli("sandbox", "list", "--json").json["items"]
    assert {(r["profile"], r["alive"]) for r in rows} == {("demo", False), ("gone", False)}
    assert not list(_records(home).glob("*.toml"))


def test_a_sandbox_of_another_home_is_refused(cli, server):
    answer = cli("sandbox", "status", "--url", server.base_url, "--json")
    assert (answer.code, answer.error["category"]) == (4, "access")
    assert "key" in answer.error["message"]
    assert cli(*answer.error["next_steps"][0].split()[1:]).code == 0
    for words in (("down",), ("save", "x"), ("export", "staff"), ("token", "kill")):
        assert cli("sandbox", *words, "--url", server.base_url).code == 4
    assert server.control.status()["pid"] == os.getpid()
    assert not Path("x").exists()


@pytest.mark.parametrize("plant", ["link", "open", "other port", "broken", "huge", "types"])
def test_planted_records_steer_nothing(on, cli, home, server, tmp_path, plant):
    """A record that is not a private file of ours is as good as none."""
    file = _records(home) / f"{server.base_url.rsplit(':', 1)[-1]}.toml"
    if plant == "link":
        elsewhere = tmp_path / "elsewhere.toml"
        file.rename(elsewhere)
        file.symlink_to(elsewhere)
    elif plant == "open":
        file.chmod(0o644)
    elif plant == "other port":
        file.write_text(file.read_text().replace(server.base_url, "http://127.0.0.1:9"))
    elif plant == "broken":
        file.write_text("base_url = ")
    elif plant == "huge":
        file.write_text(file.read_text() + "x" * 20_000)
    else:
        file.write_text(file.read_text().replace(f"pid = {os.getpid()}", "pid = true"))
    assert on("status").code == 4
    listed = cli("sandbox", "list", "--json").json["items"]
    assert server.base_url not in [r["base_url"] for r in listed if r["alive"]]


def test_a_folder_that_others_may_write_is_refused(cli, home):
    _records(home).mkdir(parents=True)
    _records(home).chmod(0o777)
    answer = cli("sandbox", "up", "--detach", "--json", *SMALL)
    assert (answer.code, answer.error["category"]) == (3, "config")
    assert cli("sandbox", "list").code == 3
    assert list(_records(home).iterdir()) == []


def test_a_folder_that_is_a_link_is_refused(cli, home, tmp_path):
    (tmp_path / "theirs").mkdir()
    _records(home).parent.mkdir(parents=True)
    _records(home).symlink_to(tmp_path / "theirs")
    assert cli("sandbox", "up", "--detach", *SMALL).code == 3
    assert list((tmp_path / "theirs").iterdir()) == []


def test_the_key_does_not_go_to_whoever_took_the_port(cli, home):
    """The record of an ended sandbox, and a stranger who listens where it did."""
    import http.server
    import threading

    heard = []

    class Stranger(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append(dict(self.headers))
            self.send_response(200)
            self.end_headers()

        log_message = print

    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    ended.wait()
    stranger = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=stranger.serve_forever, daemon=True).start()
    try:
        from storeops.domains.sandbox import sandbox_records

        url = f"http://127.0.0.1:{stranger.server_port}"
        record = sandbox_records.Running(url, "ww0", 1, "s", ended.pid, "the-key")
        sandbox_records.remember(record)
        answer = cli("sandbox", "status", "--url", url, "--json")
        assert (answer.code, answer.error["category"]) == (8, "network")
        assert cli("sandbox", "list", "--json").json["items"] == []
        assert heard == []
    finally:
        stranger.shutdown()
        stranger.server_close()


def test_a_saved_state_is_private_and_follows_no_link(on, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    link = tmp_path / "state.zip"
    link.symlink_to(victim)
    for name in ("state.zip.partial", ".state.zip.part", f".state.zip.{os.getpid()}.tmp"):
        (tmp_path / name).symlink_to(victim)  # where a file under way would lie
    assert on("save", str(link)).code == 0
    assert victim.read_text() == "mine"
    assert not link.is_symlink()
    assert link.stat().st_mode & 0o077 == 0
    assert on("load", str(link)).code == 0
    nowhere = on("save", str(tmp_path / "no" / "state.zip"), "--json")
    assert nowhere.code == 2
    assert "cannot be written" in nowhere.error["message"]
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name and not p.is_symlink()] == []


def test_acts_settings_and_faults_speak_chinese(on, monkeypatch):
    from storeops import i18n

    monkeypatch.setenv("STOREOPS_LANG", "zh_CN")
    i18n.use("zh_CN")
    for words in (("act",), ("settings", "list"), ("fault", "kinds")):
        rows = on(*words, "--json").json["items"]
        assert len(rows) > 30
        english = [r["meaning"] for r in rows if not re.search("[\u4e00-\u9fff]", r["meaning"])]
        assert english == []
        assert on(*words).code == 0
