"""A chain of processes: head office, its server, back offices behind lines that can be cut.

Head office and every follower are processes of the real command line; each back office reaches the
server through a line of its own, a small relay that is cut and mended at will. Everything is ended
by its own pid.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from storeops import config, secrets
from storeops.app import App
from storeops.domains.report import kept
from storeops.domains.sandbox import sandbox_records
from storeops.hub import deciding, joining, outbox, requests, stores
from storeops.hub import settings as hub_settings
from storeops.notebook.stores import Shop, save_shops
from storeops.operations import reports
from storeops.sandbox import local
from storeops.sync.run import run_sync
from tests.hub.conftest import free_port

ASK = Path(__file__).with_name("hub_ask.py")


class Lines:
    """Relays, one per back office, in a thread of its own."""

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        # bound at once: of fifty free ports that are only looked up, two are the same now and then
        self._sockets = [socket.create_server(("127.0.0.1", 0)) for _each in range(count)]
        self.ports = [each.getsockname()[1] for each in self._sockets]
        self._cut = [False] * count
        self._open: list[set[asyncio.StreamWriter]] = [set() for _each in range(count)]
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        servers = [
            self._loop.run_until_complete(
                asyncio.start_server(lambda r, w, n=number: self._relay(n, r, w), sock=each)
            )
            for number, each in enumerate(self._sockets)
        ]
        self._ready.set()
        self._loop.run_forever()
        for each in servers:
            each.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.1))
        self._loop.close()

    async def _relay(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._cut[number]:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, back}
        self._open[number] |= both

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
            for each in both:
                each.transport.abort()

        await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)
        self._open[number] -= both

    def cut(self, number: int, cut: bool) -> None:
        """Cut a line in the middle of whatever it carries, or mend it."""

        def do() -> None:
            self._cut[number] = cut
            if cut:
                for each in self._open[number]:
                    each.transport.abort()

        self._loop.call_soon_threadsafe(do)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


_OF_THE_LINE = {"transfer-encoding", "connection", "content-length"}


class Overhearing:
    """Between head office and WeCom: keeps what each writing call that WeCom took was about."""

    PATHS = ("mark_tag", "transfer_customer", "resigned/transfer_customer", "transfer",
             "onjob_transfer", "groupchat/transfer", "groupchat/onjob_transfer")  # fmt: skip

    def __init__(self, base_url: str) -> None:
        self.heard: Counter[tuple[str, ...]] = Counter()
        target = urlsplit(base_url)
        keep = self._keep

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                there = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
                headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
                try:
                    there.request(self.command, self.path, body, headers)
                    answer = there.getresponse()
                    data = answer.read()
                except (OSError, http.client.HTTPException):  # a fault: the line is cut here, too
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                finally:
                    there.close()
                keep(self.path, body, data)
                with suppress(OSError):
                    self.send_response_only(answer.status)
                    for name, value in answer.getheaders():
                        if name.lower() not in _OF_THE_LINE:
                            self.send_header(name, value)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

            do_GET = do_POST = _pass_on

            def log_message(self, *_words: object) -> None:
                """Nothing is told."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{target.path}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _keep(self, path: str, body: bytes, answer: bytes) -> None:
        name = urlsplit(path).path.partition("externalcontact/")[2]
        if name not in self.PATHS or b'"errcode":0,' not in answer.replace(b" ", b""):
            return  # a dead token, say, is refused, and the same attempt asks once more
        told = json.loads(body)
        if name == "mark_tag":
            words = ["+" + each for each in sorted(told.get("add_tag") or ())]
            words += ["-" + each for each in sorted(told.get("remove_tag") or ())]
            self.heard["tag", told["userid"], told["external_userid"], *words] += 1
        elif "external_userid" in told:
            for each in told["external_userid"]:
                self.heard["move", told["handover_userid"], told["takeover_userid"], each] += 1
        else:
            for each in told.get("chat_id_list") or ():
                self.heard["group", told["new_owner"], each] += 1

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Counts:
    """What a run has done to the chain."""

    acts: int = 0
    syncs: int = 0
    cuts: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    asked: dict[str, set[str]] = field(default_factory=dict)  # profile → plans acknowledged
    asking_killed: int = 0
    faults: int = 0

    def killed(self, what: str) -> None:
        self.kills[what] = self.kills.get(what, 0) + 1


class HubChain:
    """The chain; `STOREOPS_HOME` is its home."""

    def __init__(self, home: Path, sandbox: Any, offices: int, seed: int) -> None:
        self.home, self.sandbox, self.dice = home, sandbox, random.Random(seed)
        self.port = free_port()
        self.wecom = Overhearing(sandbox.base_url)
        config.save_profile(
            config.Profile(
                "office", sandbox.corp_id, agent_id=sandbox.agent_id, base_url=self.wecom.url,
                sandbox=True,
            )
        )  # fmt: skip
        secrets.save("office", sandbox.secret)
        sandbox_records.remember(sandbox_records.Running(**sandbox.ready))
        self.office = App.open("office")
        run_sync(self.office)
        data = self.office.data
        self.departments = [
            row[0]
            for row in data.execute(
                "SELECT store_id FROM follow WHERE store_id > 0 GROUP BY store_id"
                " ORDER BY count(*) DESC LIMIT ?",
                (offices,),
            )
        ]
        self.codes = [f"SH-{each:03}" for each in range(len(self.departments))]
        save_shops(data, map(Shop, self.departments, self.codes), time.time())
        self.settings = hub_settings.create(
            "office", url=f"nats://127.0.0.1:{self.port}", approve_above=4
        )
        outbox.install(data)
        self.lines = Lines(self.port, len(self.codes))
        self.profiles = [f"shop-{code}" for code in self.codes]
        for number, code in enumerate(self.codes):
            store, key = stores.add(data, code, time.time())
            file = joining.make(self.settings, sandbox.corp_id, store, key, time.time() - 60)
            profile = joining.join(file, self.profiles[number])
            config.save_profile(
                config.Profile(
                    profile.name, profile.corp_id, store=profile.store,
                    head_office=f"nats://127.0.0.1:{self.lines.ports[number]}",
                )
            )  # fmt: skip
        self.serving: subprocess.Popen[bytes] | None = None
        self.following: dict[str, subprocess.Popen[bytes]] = {}
        self.asking: list[tuple[str, subprocess.Popen[bytes], float | None]] = []
        self.counts = Counts()

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        log = (self.home / "drill.log").open("ab")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", "storeops", *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def all_up(self) -> None:
        """Start again whatever does not run."""
        if self.serving is None or self.serving.poll() is not None:
            self.serving = self.start("--profile", "office", "hub", "serve")
        for profile in self.profiles:
            if profile not in self.following or self.following[profile].poll() is not None:
                self.following[profile] = self.start("--profile", profile, "hub", "follow")

    def server_pid(self) -> int:
        with suppress(OSError, ValueError):
            return int((self.home / "data" / "office" / "hub" / "server.pid").read_text())
        return 0

    def server_answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    # -- what happens --------------------------------------------------------------------------

    def act(self) -> None:
        kind = self.dice.choice(
            ["tag_mark", "customer_rename", "remark_edit", "customer_new", "follow_delete"] * 3
            + ["tag_rename", "staff_leave"]
        )
        how: dict[str, Any] = {}
        if self.dice.random() < 0.1:
            members = self.office.data.execute(
                "SELECT userid FROM staff WHERE status = 'active' ORDER BY userid"
            ).fetchall()
            kind = "staff_move"
            how = {
                "userid": self.dice.choice(members)[0],
                "department": self.dice.choice(self.departments),
            }
        with suppress(Exception):  # nobody is left for it
            self.sandbox.control.act(kind, **how)
            self.counts.acts += 1

    def fault(self) -> None:
        """WeCom goes wrong for a while, or is well again."""
        if self.dice.random() < 0.5:
            self.sandbox.control.clear_faults()
            return
        kind, how = self.dice.choice(
            [("errcode", {"errcode": -1}), ("cut", {}), ("status", {"status": 502}),
             ("lost", {"path": "*transfer*"}), ("lost", {"path": "*mark_tag"}), ("token", {})]
        )  # fmt: skip
        self.sandbox.control.fault(kind, rate=0.05, seed=self.dice.randrange(10**6), **how)
        self.counts.faults += 1

    def a_day_later(self) -> None:
        """Handovers that wait come to their end, and head office asks how."""
        self.sandbox.control.advance(90_000)
        self.start("--profile", "office", "handover", "watch", "--quiet").wait(300)

    def sync(self) -> None:
        with suppress(Exception):  # faults of the sandbox
            run_sync(self.office, full=True)
            self.counts.syncs += 1
        now = self.office.clock.now()
        kept.keep(self.office.data, now, [reports.period(now, on="today")])

    def ask(self, kill: bool) -> None:
        """Begin to ask, and perhaps kill who asks before it knows."""
        profile = self.dice.choice(self.profiles)
        process = subprocess.Popen(
            [sys.executable, str(ASK), profile, str(self.dice.randrange(10**9)), "8"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        die = time.monotonic() + self.dice.uniform(0.5, 8.0) if kill else None
        self.asking.append((profile, process, die))

    def hear(self, *, all_: bool = False) -> None:
        """What those who asked have said by now; whoever's time has come is killed."""
        left = []
        for profile, process, die in self.asking:
            if process.poll() is None and die is not None and time.monotonic() > die:
                process.kill()
                process.wait(20)
                self.counts.asking_killed += 1
            if process.poll() is None and not all_:
                left.append((profile, process, die))
                continue
            out = process.communicate(timeout=120)[0].decode().split()
            if "asked" in out:
                plan = out[out.index("asked") + 1]
                self.counts.asked.setdefault(profile, set()).add(plan)
        self.asking = left

    def decide(self) -> None:
        for each in requests.listing(self.office.data, statuses=("asked",), limit=1000):
            if each.plan is None:
                continue
            with suppress(Exception):  # served beside, or changed since
                if self.dice.random() < 0.8:
                    deciding.approve(self.office, each, skip_changed=True)
                else:
                    deciding.refuse(self.office, each, "not today")

    def kill(self) -> None:
        what = self.dice.choice(["publisher", "server", "follower", "follower"])
        if what == "server":
            pid = self.server_pid()
            if pid:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
                    self.counts.killed(what)
            return
        process = (
            self.serving if what == "publisher" else self.following[self.dice.choice(self.profiles)]
        )
        if process is not None and process.poll() is None:
            process.kill()
            process.wait(20)
            self.counts.killed(what)

    def cut(self) -> None:
        number = self.dice.randrange(len(self.codes))
        self.lines.cut(number, True)
        self.counts.cuts += 1
        threading.Timer(self.dice.uniform(0.5, 15), lambda: self.lines.cut(number, False)).start()

    # -- the end -------------------------------------------------------------------------------

    def close(self) -> None:
        for process in (self.serving, *self.following.values()):
            if process is not None and process.poll() is None:
                process.terminate()
        for process in (self.serving, *self.following.values()):
            if process is not None:
                try:
                    process.wait(40)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(20)
        self.lines.close()
        self.wecom.close()
        pid = self.server_pid()
        if pid:
            with suppress(OSError):
                os.kill(pid, signal.SIGTERM)
        self.office.close()


def make(home: Path, offices: int, seed: int) -> tuple[local.SandboxHandle, HubChain]:
    """A sandbox with a chain on it, that many back offices."""
    os.environ["STOREOPS_HOME"] = str(home)
    sandbox = local.start(
        stores=offices + 3, staff=4 * offices + 12, follows=60 * offices + 100, seed=seed
    )
    return sandbox, HubChain(home, sandbox, offices, seed)
