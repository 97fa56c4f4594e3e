"""A pilot by the command line: head office, a shop that joins, what works there and what is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storeops.hub import joining
from storeops.notebook.stores import Shop, save_shops
from tests.conftest import Cli
from tests.hub.conftest import CODES, Chain

MINE = f"shop-{CODES[0]}"


@pytest.fixture(autouse=True)
def _settled(chain: Chain) -> None:
    chain.settle()


def test_status_has_the_shape_of_both_sides(chain: Chain, cli: Cli) -> None:
    found = cli("--profile", "office", "hub", "status", "--json").json
    assert found["server"] == {"url": chain.url, "answers": True}
    assert found["leader"].endswith(f":{os.getpid()}")
    assert (found["outbox"], found["lag"]) == (0, 0)
    assert [each["store_code"] for each in found["shops"]] == list(CODES)
    for each in found["shops"]:
        assert each.keys() == {"store_code", "state", "last_seen_at", "behind", "follows"}
        assert (each["state"], each["behind"]) == ("following", 0)
    here = cli("--profile", MINE, "hub", "status", "--json").json
    assert here["server"] == {"url": chain.url, "answers": True}
    assert here["shops"][0]["follows"] == found["shops"][0]["follows"] > 0
    assert cli("--profile", "office", "hub", "check").code == 0


def test_a_back_office_reads_and_notes_off_line(chain: Chain, cli: Cli, tmp_path: Path) -> None:
    chain.rest()
    try:
        listed = cli("--profile", MINE, "customer", "list", "--all", "--json").json
        assert listed["complete"]
        assert listed["items"]
        customer = listed["items"][0]["external_userid"]
        assert cli("--profile", MINE, "customer", "note", customer, "called").code == 0
        assert cli("--profile", MINE, "mark", "add", "m", "--where", "status:active").code == 0
        out = tmp_path / "all.csv"
        assert cli("--profile", MINE, "customer", "export", str(out)).code == 0
        assert customer in out.read_text("utf-8-sig")
        once = cli("--profile", MINE, "hub", "follow", "--once", "--json")
        assert once.code == 8
        assert "does not answer" in once.error["message"]
        told = cli("--profile", MINE, "hub", "status", "--json").json
        assert (told["server"]["answers"], told["shops"][0]["state"]) == (False, "away")
    finally:
        chain.serve()


@pytest.mark.parametrize(
    "words", [("sync", "run"), ("api", "get", "user/get"), ("job", "run"), ("events", "run")]
)
def test_what_needs_wecom_says_who_sends(chain: Chain, cli: Cli, words: tuple[str, ...]) -> None:
    refused = cli("--profile", MINE, *words, "--json")
    assert refused.code == 11, refused
    assert "head office reads WeCom, and sends" in refused.error["message"]


def test_join_refuses_what_is_no_such_file(chain: Chain, cli: Cli, tmp_path: Path) -> None:
    for content in (b"", b"{}", b"[1]", b"\xff\x00", b'{"format": "storeops-join-1"}'):
        path = tmp_path / "x.join"
        path.write_bytes(content)
        refused = cli("profile", "join", str(path), "--json")
        assert refused.code == 2, (content, refused)
        assert "no file to join with" in refused.error["message"]
    assert cli("profile", "join", str(tmp_path / "none")).code == 5


def test_a_shop_is_added_revoked_and_added_again(
    chain: Chain, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    third = next(
        each["department_id"]
        for each in cli("--profile", "office", "store", "list", "--json").json["items"]
        if each["department_id"] not in chain.departments
    )
    words = ("--profile", "office", "hub", "store")
    added = cli(*words, "add", str(third), "--json")
    assert added.code == 0, added
    path = tmp_path / f"{third}.join"
    assert path.stat().st_mode & 0o777 == 0o600
    assert cli(*words, "add", str(third)).code == 9
    assert cli("profile", "join", str(path)).code == 0

    def published() -> None:
        until = time.monotonic() + 20
        while cli("--profile", "office", "hub", "status", "--json").json["outbox"]:
            assert time.monotonic() < until
            time.sleep(0.05)

    published()
    profile = f"shop-{third}"
    unfilled = cli("--profile", profile, "customer", "list")
    assert (unfilled.code, unfilled.err.count(f"hub follow --once --profile {profile}")) == (0, 1)
    assert cli("--profile", profile, "hub", "follow", "--once", "--quiet").code == 0
    shown = cli("--profile", profile, "customer", "list", "--all", "--json").json["items"]
    assert shown
    assert cli("profile", "show", profile, "--json").json["secret"] is None
    revoked = cli(*words, "revoke", str(third), "--yes", "--json")
    assert revoked.json["told"] is True
    assert cli("--profile", profile, "hub", "follow", "--once").code == 4
    stale = cli("--profile", profile, "customer", "list")
    assert (stale.code, "lets this back office in no more" in stale.err) == (0, True), stale
    assert cli("--profile", profile, "doctor").code == 4
    path.unlink()
    assert cli(*words, "rotate", str(third)).code == 9
    assert cli(*words, "add", str(third)).code == 0
    assert cli("profile", "join", str(path)).code == 0
    published()
    followed = cli("--profile", profile, "hub", "follow", "--once", "--json")
    assert followed.code == 0, followed
    again = followed.json
    assert again["refilled"] is True, "nobody told it meanwhile who left"
    assert cli("--profile", profile, "customer", "list", "--all", "--json").json["items"] == shown
    assert cli(*words, "revoke", str(third), "--yes").code == 0


def test_nothing_imports_nats_without_need() -> None:
    program = (
        "import sys; from commands.main import run; run(['hub', '--help']); run(['--help'])\n"
        "heavy = {'nats', 'nkeys', 'nacl', 'asyncio'}\n"
        "sys.exit(bool(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
    assert b"A second host of head office" in b" ".join(run.stdout.split())


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_up_demo_says_when_it_is_ready_and_leaves_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with subprocess.Popen(
        [sys.executable, "-m", "storeops", "hub", "up", "--demo", "--json"],
        env={**os.environ, "STOREOPS_HOME": str(home)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        line = json.loads(process.stdout.readline() or b"null")
        assert line is not None, process.stderr and process.stderr.read()
        server = int((home / "data" / "hub-demo" / "hub" / "server.pid").read_text())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert line["pid"] == process.pid
    assert line.keys() == {"server", "head_office", "shops", "pid"}
    assert [each.keys() for each in line["shops"]] == [{"store_code", "store", "profile"}] * 3
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


def test_every_shop_with_a_number_may_join_at_once(chain: Chain, cli: Cli, tmp_path: Path) -> None:
    data = chain.office.data
    (third,) = data.execute(
        "SELECT store_id FROM follow WHERE store_id NOT IN (SELECT department_id FROM hub_store)"
    ).fetchone()
    (fourth,) = data.execute(
        "SELECT id FROM department WHERE id NOT IN (SELECT department_id FROM hub_store)"
        " AND id <> ? LIMIT 1",
        (third,),
    ).fetchone()
    add = ("--profile", "office", "hub", "store", "add")
    save_shops(data, [Shop(third, "A 3"), Shop(fourth, "a_3")], time.time())
    same = cli(*add, "--all", "--out", str(tmp_path / "same"), "--json")
    assert (same.code, list((tmp_path / "same").iterdir())) == (9, []), same
    assert "storeops hub store add 'A 3'" in cli(*add[:-1], "revoke", "A 3", "--yes").err
    save_shops(data, [Shop(third, "A/3"), Shop(fourth, "")], time.time())
    assert cli(*add).code == cli(*add, "A/3", "--all").code == 2
    made = cli(*add, "--all", "--out", str(tmp_path / "keys"), "--json").json
    assert made["joined"] == 1
    (file,) = (tmp_path / "keys").iterdir()
    assert file.name == "A_3.join"
    assert file.stat().st_mode & 0o077 == 0
    assert joining.load(file).store == third
    assert cli(*add, "--all", "--out", str(tmp_path / "keys"), "--json").json["joined"] == 0
