"""`profile add` tries the secret: what WeCom refuses is not kept, what it cannot say is."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storeops import config, secrets
from storeops.sandbox import local
from tests.conftest import Answer, Cli

Add = Callable[..., Answer]


@pytest.fixture
def add(cli: Cli, sandbox: local.SandboxHandle, monkeypatch: pytest.MonkeyPatch) -> Add:
    """`profile add main` for the app of the sandbox, as if it were WeCom."""

    def run(*words: str, secret: str = "", **changed: str) -> Answer:
        monkeypatch.setattr("sys.stdin", io.StringIO((secret or sandbox.secret) + "\n"))
        options = {
            "--corp-id": sandbox.corp_id, "--agent-id": str(sandbox.agent_id),
            "--base-url": sandbox.base_url, **changed,
        }  # fmt: skip
        flat = [text for pair in options.items() for text in pair]
        return cli("profile", "add", "main", *flat, "--secret-stdin", "--json", *words)

    return run


def kept() -> bool:
    return "main" in config.load().profiles or secrets.find("main") is not None


def test_a_secret_that_works_is_kept(add: Add, home: Path) -> None:
    answer = add()
    assert answer.code == 0
    assert answer.json["secret_check"] == "works"
    assert secrets.find("main") is not None
    assert not list(home.rglob("*.db*"))  # trying leaves nothing behind


@pytest.mark.parametrize(
    "how", [{"secret": "not-the-apps"}, {"--corp-id": "ww0000000000000000"}], ids=["secret", "corp"]
)
def test_a_refused_one_is_not_kept_unless_asked_for(add: Add, how: dict[str, Any]) -> None:
    answer = add(**how)
    assert answer.code == 4
    assert answer.error["errcode"] in (40001, 40013)
    assert "--no-check" in answer.error["hint"]
    assert not kept()
    answer = add("--no-check", **how)
    assert answer.code == 0
    assert answer.json["secret_check"] == "not tried"
    assert kept()


def test_a_refused_one_changes_nothing_of_a_profile_that_was_there(add: Add) -> None:
    assert add().code == 0
    before = config.load(), secrets.get("main").reveal()
    assert add("--store", "SH-1", secret="wrong").code == 4
    assert (config.load(), secrets.get("main").reveal()) == before


def test_an_ip_that_is_not_let_in_is_said_and_the_right_secret_kept(
    add: Add, sandbox: local.SandboxHandle
) -> None:
    sandbox.control.fault("errcode", "get_api_domain_ip", errcode=60020)
    answer = add()
    assert answer.code == 0
    assert answer.json["secret_check"] == "ip"
    assert "企业可信IP" in answer.err
    assert kept()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "errcode", "path": "gettoken", "errcode": -1},
        {"kind": "status", "path": "gettoken", "status": 502},
        {"kind": "foreign_json", "path": "gettoken"},
    ],
    ids=["busy", "502", "login page"],
)
def test_no_answer_keeps_it_with_a_warning(
    add: Add, sandbox: local.SandboxHandle, fault: dict[str, Any]
) -> None:
    sandbox.control.fault(**fault)
    answer = add()
    assert answer.code == 0
    assert answer.json["secret_check"] == "unanswered"
    assert "could not be tried" in answer.err
    assert kept()


def test_nobody_there_keeps_it_with_a_warning(add: Add) -> None:
    answer = add("--quiet", **{"--base-url": "http://127.0.0.1:9"})
    assert answer.code == 0
    assert answer.json["secret_check"] == "unanswered"
    assert "could not be tried" in answer.err


def test_another_permission_that_lacks_is_no_wrong_secret(
    add: Add, sandbox: local.SandboxHandle
) -> None:
    sandbox.control.fault("errcode", "get_api_domain_ip", errcode=48002)
    assert add().json["secret_check"] == "works"


def test_only_what_concerns_the_secret_is_tried(
    add: Add, cli: Cli, sandbox: local.SandboxHandle
) -> None:
    assert add().code == 0
    sandbox.control.reset_calls()
    assert cli("profile", "add", "main", "--store", "SH-1", "--default").code == 0
    assert cli("profile", "use", "main").code == 0
    assert not sandbox.control.calls()["paths"]
    words = ("--base-url", f"{sandbox.base_url}/", "--json")
    assert cli("profile", "add", "main", *words).json["secret_check"] == "works"
