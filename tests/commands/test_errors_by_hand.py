"""Every error category once: one sentence, a next step, the documented exit code, two languages."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from storeops import config

LANGUAGES = ["en", "zh_CN"]
CHINESE = re.compile("[\u4e00-\u9fff]")


def explained(answer: Any, code: int, language: str) -> str:
    """The first line, after the shape of the whole was checked."""
    assert answer.code == code, answer.err
    assert "Traceback" not in answer.err
    lines = answer.err.strip().splitlines()
    told = [line for line in lines if line.startswith(("storeops: error: ", "storeops：错误："))]
    assert len(told) == 1, answer.err
    assert bool(CHINESE.search(told[0])) is (language == "zh_CN"), told
    hint = "  hint: " if language == "en" else "  提示："
    assert any(line.startswith(hint) for line in lines), answer.err
    return told[0]


@pytest.fixture(params=LANGUAGES)
def language(request: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("STOREOPS_LANG", request.param)
    return str(request.param)


def test_wrong_secret(cli: Any, shop: Any, language: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("STOREOPS_SECRET_SHOP", "wrong")
    line = explained(cli("sync", "run"), 4, language)
    assert "40001" in line
    assert "wrong" not in line.replace("secret is wrong", "")


def test_wrong_corp(cli: Any, shop: Any, language: str) -> None:
    config.save_profile(config.Profile("shop", "wwffffffffffffffff", base_url=shop.base_url))
    assert "40013" in explained(cli("sync", "run"), 4, language)


def test_ip_not_trusted(cli: Any, shop: Any, language: str) -> None:
    shop.control.settings(trusted_ips=["203.0.113.9"])
    line = explained(cli("api", "get", "department/list"), 4, language)
    assert "60020" in line
    assert "127.0.0.1" in line + cli("api", "get", "department/list").err


def test_permission_missing(cli: Any, shop: Any, language: str) -> None:
    shop.control.fault("errcode", "externalcontact/*", errcode=48002)
    answer = cli("api", "get", "externalcontact/get_follow_user_list")
    assert "48002" in explained(answer, 4, language)
    assert "可调用接口的应用" in answer.err


def test_network_down(cli: Any, shop: Any, language: str) -> None:
    shop.stop()
    port = int(shop.base_url.rpartition(":")[2])
    with socket.socket() as held:  # bound and not listening: nobody else takes the port meanwhile
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        explained(cli("api", "get", "department/list"), 8, language)


def test_frequency_limit(cli: Any, shop: Any, language: str) -> None:
    """45009 pauses the API; a person is not kept waiting without a word."""
    from storeops.app import App

    app = App.open()
    app.governor.report("department/list", 45009)
    app.close()
    answer = cli("status", "--json")
    paused = [each for each in answer.json["limits"] if each["held_by"] == "pause"]
    assert paused[0]["path"] == "department/list"
    assert 50 < paused[0]["paused_s"] <= 60


def test_unknown_thing(cli: Any, shop: Any, language: str) -> None:
    explained(cli("api", "get", "no/such/path"), 5, language)


def test_unknown_option(cli: Any, shop: Any, language: str) -> None:
    line = explained(cli("sync", "run", "--fulll"), 2, language)
    assert "--fulll" in line


def test_read_only(cli: Any, shop: Any, language: str) -> None:
    words = ["api", "post", "externalcontact/mark_tag", "--data", "{}", "--allow-write"]
    explained(cli("--read-only", *words), 11, language)
    calls = shop.control.calls()
    assert "externalcontact/mark_tag" not in str(calls.get("paths", calls))


def test_newer_database(cli: Any, shop: Any, language: str) -> None:
    import sqlite3

    assert cli("sync", "status").code == 0
    path = Path(cli("db", "path").out.strip())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('storeops.mirror', 'm999_future', '2030-01-01')"
        )
        connection.execute("PRAGMA user_version = 999")
    explained(cli("sync", "status"), 3, language)


def test_damaged_database(cli: Any, synced: Any, language: str) -> None:
    path = Path(cli("db", "path").out.strip())
    content = bytearray(path.read_bytes())
    content[100:4000] = os.urandom(3900)
    path.write_bytes(content)
    answer = cli("db", "check")
    explained(answer, 3, language)
    assert "db restore" in answer.err
    assert path.read_bytes() == bytes(content)


@pytest.mark.parametrize("language", LANGUAGES)
def test_disk_full(shop: Any, home: Path, language: str) -> None:
    """A real full file: the process may not write files above 400 kB."""
    script = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        "from commands.main import run\n"
        "sys.exit(run(['sync', 'run']))"
    )
    shop.control.reset(seed=3, stores=3, staff=12, follows=3000)
    config.save_profile(
        config.Profile("shop", shop.control.status()["corp_id"], 1000002, shop.base_url)
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        env={
            "PATH": os.environ["PATH"],
            "STOREOPS_HOME": str(home),
            "STOREOPS_LANG": language,
            "STOREOPS_SECRET_SHOP": _secret(shop),
        },
    )

    class Answer:
        code = done.returncode
        err = done.stderr

    explained(Answer, 3, language)


def _secret(shop: Any) -> str:
    apps = shop.control.status()["apps"]
    (app,) = [each for each in apps if each["agent_id"] == shop.agent_id]
    return str(app["secret"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_sandbox_killed_half_way(home: Path, language: str) -> None:
    """The server dies under a running sync: partial or network, and nobody is believed lost."""
    server = subprocess.Popen(
        [sys.executable, "-m", "storeops.sandbox", "--follows", "2000", "--latency", "30"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        import json

        assert server.stdout is not None
        ready = json.loads(server.stdout.readline())
        config.save_profile(
            config.Profile("shop", ready["corp_id"], ready["agent_id"], ready["base_url"])
        )
        environment = {
            "PATH": os.environ["PATH"],
            "STOREOPS_HOME": str(home),
            "STOREOPS_LANG": language,
            "STOREOPS_SECRET_SHOP": ready["secret"],
        }
        run = subprocess.Popen(
            [sys.executable, "-m", "storeops", "sync", "run"],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        time.sleep(0.9)
        server.kill()
        _out, err = run.communicate(timeout=90)
    finally:
        server.kill()
        server.communicate()
    assert run.returncode in (6, 8), err
    assert "Traceback" not in err
    assert bool(CHINESE.search(err)) is (language == "zh_CN")


def test_ctrl_c_says_how_to_go_on(home: Path, shop: Any) -> None:
    shop.control.settings(latency_ms=100)
    run = subprocess.Popen(
        [sys.executable, "-m", "storeops", "sync", "run"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "STOREOPS_HOME": str(home), "STOREOPS_LANG": "en"},
    )
    for _each in range(300):  # until it reads members: their pages are slow
        if any("user" in path for path in shop.control.calls()["paths"]):
            break
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    _out, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    assert "storeops sync run" in err
    assert "Traceback" not in err
