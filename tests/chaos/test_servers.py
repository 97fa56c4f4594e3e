"""A cluster of three servers, each killed in turn while head office publishes and shops follow.

CHAOS_ROUNDS times around (1). What it measures is printed: seconds from a kill, with a change of
each shop right after it, until the shop has that change.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from storeops.app import App
from storeops.hub import following, outbox, server
from storeops.hub import settings as hub_settings
from storeops.sandbox import local
from tests.hub.conftest import CODES, Chain, free_port
from tests.hub.test_truth import expected, held

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "1"))
SEEN_S = 60.0
REST_S = 10.0  # so that the one that comes back has what it missed before the next one dies


class Cluster:
    """Three servers with the configurations that head office wrote."""

    def __init__(self, chain: Chain) -> None:
        self.files = []
        texts = server.configurations("office", chain.settings, {}, time.time() - 60)
        for name, text in texts.items():
            file = hub_settings.folder("office") / name
            file.write_text(text)
            self.files.append(file)
        self.running = [self.start(each) for each in self.files]

    def start(self, file: Path) -> subprocess.Popen[bytes]:
        with file.with_suffix(".log").open("ab") as log:
            return subprocess.Popen(
                [server.binary(), "--config", str(file)], stdout=log, stderr=log
            )

    def kill(self, at: int) -> None:
        self.running[at].kill()
        self.running[at].wait()

    def back(self, at: int) -> None:
        self.running[at] = self.start(self.files[at])

    def close(self) -> None:
        for at in range(len(self.running)):
            self.kill(at)


def remark(app: App, shop: int, text: str) -> str:
    """Change a follow of a shop at head office; its customer's external_userid."""
    with app.data.atomic() as connection:
        (key,) = connection.execute(
            "SELECT min(id) FROM follow WHERE store_id = ? AND status = 'active'", (shop,)
        ).fetchone()
        connection.execute("UPDATE follow SET remark = ? WHERE id = ?", (text, key))
    return text


def has(app: App, text: str) -> bool:
    sql = "SELECT EXISTS (SELECT 1 FROM follow WHERE remark = ?)"
    return bool(app.data.execute(sql, (text,)).fetchone()[0])


def test_servers_that_are_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREOPS_HOME", str(tmp_path / "home"))
    took: list[float] = []
    sent: list[float] = []
    stop = threading.Event()
    with ExitStack() as held_open:
        sandbox = held_open.enter_context(local.start(stores=4, staff=16, follows=400, seed=3))
        url = ",".join(f"nats://127.0.0.1:{free_port()}" for _each in range(3))
        chain = Chain(tmp_path / "home", sandbox, url, external=True, replicas=3)
        held_open.callback(chain.close)
        cluster = Cluster(chain)
        held_open.callback(cluster.close)
        time.sleep(REST_S)
        chain.serve()
        shops = list(zip(chain.departments, CODES, strict=True))
        threads = [
            threading.Thread(target=following.follow, args=(each,), kwargs={"stop": stop})
            for each in chain.backs.values()
        ]
        for each in threads:
            each.start()
        held_open.callback(lambda: [each.join(60) for each in threads])
        held_open.callback(stop.set)
        for turn in range(3 * ROUNDS + 1):
            if turn:  # the first without a kill
                cluster.kill(turn % 3)
            began = time.monotonic()
            wanted = {code: remark(chain.office, shop, f"{code} {turn}") for shop, code in shops}
            published = 0.0
            while wanted:
                late = time.monotonic() - began
                assert late < SEEN_S, f"after server {turn % 3} was killed, {wanted} did not come"
                for code, text in list(wanted.items()):
                    if has(chain.backs[code], text):
                        del wanted[code]
                        took.append(late)
                if not published and not outbox.waiting(chain.office.data)[0]:
                    published = late
                time.sleep(0.05)
            sent.append(published)
            if turn:
                cluster.back(turn % 3)
                time.sleep(REST_S)
        for shop, code in shops:
            assert held(chain.backs[code]) == expected(chain, shop), code
    for what, seconds in (("published", sent), ("seen at a shop", took)):
        print(f"\n{what} after a kill:", ", ".join(f"{each:.1f} s" for each in seconds))
