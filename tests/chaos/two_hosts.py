"""Two hosts of head office as processes with homes of their own, a server, and shops that ask.

Calls to WeCom go through a relay that writes down each that was answered: what hosts remember of
them may be lost with a host, what WeCom got is not. Everything is ended by its own pid.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from storeops import config, secrets
from storeops.app import App
from storeops.changes import plans, relations
from storeops.changes.apply import apply
from storeops.domains.sandbox import sandbox_records
from storeops.domains.tags.tagging import tag_row
from storeops.errors import NetworkError
from storeops.hub import asking, following, hosts, joining, joining_hosts, outbox, server, stores
from storeops.hub import settings as hub_settings
from storeops.notebook.stores import Shop, save_shops
from storeops.sync.run import run_sync
from tests.hub.conftest import free_port

PROFILE = "office"
AWAY_S = 300.0  # on a machine that does much else
NAMES = ("one", "two")


class WrittenDown:
    """A relay before the sandbox: every call of `mark_tag` that WeCom carried out, in order."""

    def __init__(self, base_url: str, delay_s: float) -> None:
        self.marked: list[tuple[str, str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._pass(None)

            def do_POST(self) -> None:
                self._pass(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def _pass(self, body: bytes | None) -> None:
                kept = {
                    key: value for key, value in self.headers.items()
                    if key.lower() in ("content-type", "user-agent", "authorization")
                }  # fmt: skip
                with urlopen(Request(base_url + self.path, body, kept)) as answer:
                    data, status = answer.read(), answer.status
                if "mark_tag" in self.path and body is not None:
                    outer._note(json.loads(body), json.loads(data))
                    time.sleep(delay_s)  # the answer is on its way while somebody dies
                with suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_about: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def _note(self, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        if answer.get("errcode") == 0:
            for tag in asked.get("add_tag") or ():
                self.marked.append((asked["userid"], asked["external_userid"], tag))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Host:
    """One host: its home, its `hub serve`."""

    def __init__(self, home: Path, name: str) -> None:
        self.home, self.name = home, name
        self.serving: subprocess.Popen[bytes] | None = None
        self.hub = home / "data" / PROFILE / "hub"

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "storeops", "--profile", PROFILE, *words],
            env=self.env, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "STOREOPS_HOME": str(self.home)}

    def start(self) -> None:
        if self.serving is None or self.serving.poll() is not None:
            with (self.home / "serve.log").open("ab") as log:
                self.serving = subprocess.Popen(
                    [sys.executable, "-m", "storeops", "--profile", PROFILE, "hub", "serve"],
                    env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )  # fmt: skip

    def leads(self) -> bool:
        with suppress(OSError, ValueError):
            lead = json.loads((self.hub / "lease.json").read_bytes())
            return bool(lead["name"] == self.name and lead["until"] > hosts.now_s())
        return False

    def litestream(self) -> int:
        with suppress(OSError, ValueError):
            return int((self.hub / "litestream.pid").read_text())
        return 0

    def kill(self, *, machine: bool = True) -> None:
        """As the power would: `hub serve`, and with the whole machine Litestream as well."""
        assert self.serving is not None
        pid = self.litestream() if machine else 0
        self.serving.kill()
        if pid:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.serving.wait(20)

    def end(self) -> None:
        if self.serving is not None and self.serving.poll() is None:
            self.serving.send_signal(signal.SIGCONT)
            self.serving.terminate()
            try:
                self.serving.wait(40)
            except subprocess.TimeoutExpired:
                self.serving.kill()
                self.serving.wait(20)
        pid = self.litestream()
        if pid:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


class TwoHosts:
    """The chain; afterwards this process works in the shops' home.

    Args:
        folder: for everything.
        sandbox: the WeCom.
        shops: how many ask.
        seed: of what happens.
        lease_s: of the lease.
        delay_s: between WeCom's doing and its answer.
    """

    def __init__(
        self, folder: Path, sandbox: Any, shops: int, seed: int, *, lease_s: float, delay_s: float
    ) -> None:
        self.dice = random.Random(seed)
        self.sandbox = sandbox
        self.relay = WrittenDown(sandbox.base_url, delay_s)
        self.hosts = [Host(folder / name, name) for name in NAMES]
        os.environ["STOREOPS_HOME"] = str(self.hosts[0].home)
        profile = config.Profile(
            PROFILE, sandbox.corp_id, agent_id=sandbox.agent_id, base_url=self.relay.url,
            sandbox=True,
        )  # fmt: skip
        config.save_profile(profile)
        secrets.save(PROFILE, sandbox.secret)
        sandbox_records.remember(sandbox_records.Running(**sandbox.ready))
        office = App.open(PROFILE)
        run_sync(office)
        data = office.data
        departments = [
            row[0]
            for row in data.execute(
                "SELECT store_id FROM follow WHERE store_id > 0 GROUP BY store_id"
                " ORDER BY count(*) DESC LIMIT ?",
                (shops,),
            )
        ]
        self.codes = [f"SH-{each}" for each in range(len(departments))]
        save_shops(data, map(Shop, departments, self.codes), time.time())
        self.url = f"nats://127.0.0.1:{free_port()}"
        settings = hub_settings.create(
            PROFILE, url=self.url, external=True, approve_above=1000, request_rows_day=100_000
        )
        outbox.install(data)
        self.server = server.ServerProcess(PROFILE, settings)
        self.server.start({}, time.time() - 60)
        made = [stores.add(data, code, time.time()) for code in self.codes]
        office.close()
        card = joining_hosts.make(profile, NAMES[1], NAMES[0])
        first = hosts.find(PROFILE)
        assert first is not None
        hosts.save(PROFILE, replace(first, lease_s=lease_s))
        os.environ["STOREOPS_HOME"] = str(self.hosts[1].home)
        joining_hosts.join(replace(card, lease_s=lease_s))
        sandbox_records.remember(sandbox_records.Running(**sandbox.ready))
        os.environ["STOREOPS_HOME"] = str(folder / "shops")
        for store, key in made:
            file = joining.make(settings, sandbox.corp_id, store, key, time.time() - 60)
            joining.join(file, f"shop-{store.code}")
        self.shops: list[App] = []
        self.free: dict[str, list[tuple[str, str]]] = {}
        self.tags: list[str] = []
        self.acknowledged: dict[str, list[tuple[str, str, str]]] = {}

    # -- the shops -------------------------------------------------------------------------------

    def open_shops(self) -> None:
        """The shops get their mirrors; every follow is asked about once."""
        for code in self.codes:
            app = App.open(f"shop-{code}")
            self.shops.append(app)
            self.fill(app)
            pairs = app.data.execute(
                "SELECT s.userid, c.external_userid FROM follow AS f"
                " JOIN staff AS s ON s.id = f.staff_id JOIN customer AS c ON c.id = f.customer_id"
                " WHERE f.status = 'active' ORDER BY f.id"
            ).fetchall()
            self.dice.shuffle(pairs)
            self.free[code] = pairs
        self.tags = [
            row[0]
            for row in self.shops[0].data.execute(
                "SELECT tag_id FROM tag WHERE deleted_at IS NULL ORDER BY tag_id"
            )
        ]

    @staticmethod
    def fill(app: App) -> None:
        """The first fill; head office may still be making what it follows."""
        until = time.monotonic() + 60
        while not app.data.execute("SELECT count(*) FROM follow").fetchone()[0]:
            assert time.monotonic() < until
            with suppress(NetworkError):
                following.follow(app, once=True)
            time.sleep(0.1)

    def ask(self) -> bool:
        """One shop asks for one tag on a few of its follows; whether head office said that it has
        it."""
        number = self.dice.randrange(len(self.shops))
        app, code = self.shops[number], self.codes[number]
        chosen, self.free[code] = self.free[code][:3], self.free[code][3:]
        found = [each for each in relations.by_pairs(app.data, chosen) if each is not None]
        present = relations.tags_of(app.data, [each.follow_id for each in found])
        rows, wished = [], []
        for relation in found:
            for tag in self.tags:
                row = tag_row(len(rows) + 1, relation, present[relation.follow_id], [tag], [])
                if row is not None:
                    rows.append(row)
                    wished.append((row.userid, row.external_userid, tag))
                    break
        if not rows:
            return False
        plan = plans.make(app.ledger, "tag", rows, title="drill")
        apply(app.ledger, plan.name, skip_changed=True)
        self.acknowledged[plan.name] = [each for each in wished if each[0] and each[1]]
        return asking.send(app).waiting == 0

    def settle(self, seconds: float) -> list[str]:
        """Until every request is sent, answered and down again; what is wrong then."""
        until = time.monotonic() + seconds
        while True:
            for each in self.hosts:
                each.start()
            waiting = 0
            for app in self.shops:
                asking.send(app)
                with suppress(Exception):
                    following.follow(app, once=True)
                waiting += asking.waiting(app.data)
                waiting += app.data.execute(
                    "SELECT count(*) FROM plan WHERE status IN ('asked', 'approved')"
                    " OR (status = 'applied' AND id IN (SELECT plan_id FROM plan_row"
                    "  WHERE status NOT IN ('done', 'failed', 'blocked', 'already', 'cancelled',"
                    "  'skipped')))"
                ).fetchone()[0]
            if not waiting:
                return []
            if time.monotonic() > until:
                return [f"{waiting} requests have no answer: {self.state()}"]
            time.sleep(0.5)

    def state(self) -> str:
        rows = [
            app.data.execute(
                "SELECT p.status, r.status, count(*) FROM plan AS p JOIN plan_row AS r"
                " ON r.plan_id = p.id GROUP BY 1, 2"
            ).fetchall()
            for app in self.shops
        ]
        logs = [
            (each.home / "serve.log").read_text("utf-8", "replace")[-1500:] for each in self.hosts
        ]
        return f"{rows} {logs}"

    # -- the hosts -------------------------------------------------------------------------------

    def leader(self, within_s: float = AWAY_S) -> Host:
        until = time.monotonic() + within_s
        while True:
            for each in self.hosts:
                each.start()  # as a service that is always started anew
                if each.leads():
                    return each
            assert time.monotonic() < until, f"nobody leads: {self.state()}"
            time.sleep(0.02)

    def other(self, host: Host) -> Host:
        return self.hosts[1 - self.hosts.index(host)]

    def takes_over(self, host: Host, within_s: float = AWAY_S) -> None:
        until = time.monotonic() + within_s
        while not host.leads():
            host.start()
            assert time.monotonic() < until, f"{host.name} does not lead: {self.state()}"
            time.sleep(0.02)

    def works_again(self, within_s: float = AWAY_S) -> float:
        """Ask once, and send that until head office has it; how long that took."""
        began = time.monotonic()
        self.ask()
        while sum(asking.send(app).waiting for app in self.shops):
            for each in self.hosts:
                each.start()
            assert time.monotonic() < began + within_s, f"head office is away: {self.state()}"
            time.sleep(0.05)
        return time.monotonic() - began

    def wrong(self) -> list[str]:
        """Rows that WeCom was told twice, or of which it never heard."""
        counted: dict[tuple[str, str, str], int] = {}
        for each in self.relay.marked:
            counted[each] = counted.get(each, 0) + 1
        found = [f"{each} was sent {times} times" for each, times in counted.items() if times > 1]
        for name, wished in self.acknowledged.items():
            found += [f"{name}: {each} was never sent" for each in wished if each not in counted]
        return found

    def close(self) -> None:
        for app in self.shops:
            app.close()
        for each in self.hosts:
            each.end()
        os.environ["STOREOPS_HOME"] = str(self.hosts[0].home)
        self.server.stop()
        self.relay.close()
