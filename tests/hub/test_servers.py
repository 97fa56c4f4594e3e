"""The configurations of servers that somebody else runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from storeops import config
from storeops.hub import server
from tests.conftest import Cli
from tests.hub.conftest import free_port


def test_each_server_of_a_cluster_gets_its_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    """`nats-server` takes what `hub init` writes; one file cannot serve for three."""
    monkeypatch.setenv("STOREOPS_HOME", str(tmp_path))
    config.save_profile(config.Profile("office", "wwcorp", agent_id=1))
    init = ("--profile", "office", "hub", "init", "--json", "--url")
    urls = [f"nats://127.0.0.1:{free_port()}" for _each in range(3)]
    refused = cli(*init, ",".join(urls))
    assert refused.code == 2
    assert "--external" in refused.error["hint"]
    without = cli(*init, "tls://a.example:4222,tls://b.example:4222", "--external")
    assert "needs a certificate" in without.error["message"]
    mixed = cli(*init, f"{urls[0]},nats://b.example:4222", "--external")
    assert "nats://b.example:4222 lies beyond" in mixed.error["message"]
    made = cli(*init, ",".join(urls), "--external", "--replicas", "3").json
    files = [Path(each) for each in made["server_configs"]]
    assert [each.name for each in files] == ["server-1.conf", "server-2.conf", "server-3.conf"]
    own = set()
    for url, file in zip(urls, files, strict=True):
        text = file.read_text()
        assert url.removeprefix("nats://") in text
        own.update(each for each in text.splitlines() if "dir: " in each or "server_name" in each)
        checked = subprocess.run([server.binary(), "-t", "-c", file], capture_output=True)
        assert checked.returncode == 0, checked.stderr
    assert len(own) == 9
    one = cli(*init, urls[0], "--embedded").json
    assert (one["url"], one["server_configs"]) == (urls[0], [])
