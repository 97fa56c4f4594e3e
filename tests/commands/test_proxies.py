"""A proxy that cannot be used is named, with the exit code of its kind; its password is not."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from storeops import config, retrying, secrets

ODD = ("http://user:pa55word@127.0.0.1:notaport", "ftp://user:pa55word@127.0.0.1:21", "http://[::1")


@pytest.fixture(autouse=True)
def _company(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile at WeCom's own address, which no test reaches."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    config.save_profile(
        config.Profile("real", "ww0123456789abcdef", agent_id=1000002), make_default=True
    )
    secrets.save("real", "s" * 43)


def told(cli: Any, code: int, *sentence: str) -> None:
    for words in (("api", "get", "department/simplelist"), ("doctor",)):
        answer = cli(*words)
        assert answer.code == code, (words, answer)
        said = answer.out + answer.err
        assert all(each in said for each in sentence), (words, said)
        assert "pa55word" not in said


@pytest.mark.parametrize("url", ODD)
def test_an_odd_proxy_is_a_wrong_setting(
    cli: Any, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    told(cli, 3, "HTTPS_PROXY")


def test_a_dead_proxy_is_named(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "CALL", retrying.Waits(1, 0.01, 0.01))
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:pa55word@127.0.0.1:{port}")
    told(cli, 8, f"http://127.0.0.1:{port}")
