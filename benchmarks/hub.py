"""A chain's head office and its back offices: what publishing costs, and how it grows.

    python benchmarks/hub.py                  # 1,500 shops, 1,000,000 follows: 20 minutes
    python benchmarks/hub.py --follows 250000 # a quarter, to see how it grows

Head office serves as its own process, with the server beside it. All back offices but those that
are filled for the measure are connections of one process: they receive and acknowledge, and write
nothing, for a chain has 1,500 disks for that and this machine one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, closing, contextmanager, suppress
from pathlib import Path
from statistics import median, quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import data
from storeops import config
from storeops.app import App
from storeops.hub import following, joining, outbox, rights, stores
from storeops.hub import settings as hub_settings
from storeops.hub.connection import connected
from storeops.hub.joining import JoinFile
from storeops.hub.pulling import ShopPull
from storeops.notebook.stores import Shop, save_shops

CORP = "wwbench"
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = 100  # rows that WeCom gives a call
HOURLY = 150_000  # calls of one API that WeCom lets a company make in an hour (doc 90312)
IN_FLIGHT = 5  # calls of one API at once (doc 90312, 45033)
CALL_S = 0.15  # what one takes
# ms of a core that head office and the server may take for each message, or shop
LIMITS = {
    "first publication": (0.3, 0.1),
    "all shops come for the first time": (0.1, 0.3),
    "a night's changes, at every shop": (0.5, 0.3),
    "all shops come back after a night off line": (0.5, 0.5),
    "all shops come back with nothing to read": (10.0, 10.0),
}
SEEN_S = 2.0  # p99 of a change at head office until a shop has it


def cpu(pid: int) -> float:
    """Seconds of a core that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid: int) -> float:
    """MiB that a process has held at most."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(each.split()[1]) for each in lines if each.startswith("VmHWM")) / 1024


def on_disk(folder: Path) -> float:
    """MB of the files below a folder."""
    return sum(each.stat().st_blocks * 512 for each in folder.rglob("*") if each.is_file()) / 1e6


def spread(seconds: list[float]) -> str:
    """Median and the slowest hundredth, in ms."""
    return (
        f"p50 {median(seconds) * 1000:,.0f} ms, p99 {quantiles(seconds, n=100)[98] * 1000:,.0f} ms"
    )


class Chain:
    """Head office over a copy of a synthetic mirror."""

    def __init__(self, mirror: Path, shops: int) -> None:
        save = config.Profile("office", CORP, agent_id=1)
        config.save_profile(save)
        with closing(App.open("office")) as app:
            target = app.data.path
        for tail in ("", "-wal", "-shm"):
            target.with_name(target.name + tail).unlink(missing_ok=True)
        shutil.copyfile(mirror, target)
        self.app = App.open("office")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            url = f"nats://127.0.0.1:{probe.getsockname()[1]}"
        self.settings = hub_settings.create("office", url=url)
        outbox.install(self.app.data)
        departments = [
            row[0]
            for row in self.app.data.execute(
                "SELECT store_id FROM follow GROUP BY store_id ORDER BY store_id LIMIT ?", (shops,)
            )
        ]
        save_shops(self.app.data, [Shop(each, f"SH-{each}") for each in departments], time.time())
        self.files: dict[int, JoinFile] = {}
        at = time.time() - 60
        for store, key in stores.add_all(self.app.data, time.time()):
            self.files[store.department_id] = joining.make(self.settings, CORP, store, key, at)
        self._process: subprocess.Popen[bytes] | None = None
        self.above: list[str] = []

    @property
    def server(self) -> int:
        """Pid of the server."""
        return int((hub_settings.folder("office") / "server.pid").read_text())

    @property
    def publisher(self) -> int:
        """Pid of who publishes."""
        assert self._process is not None
        return self._process.pid

    def serve(self) -> float:
        """Begin to serve; seconds until shops can follow."""
        began = time.perf_counter()
        program = (
            "import sys; from storeops.app import App; from storeops.hub import office\n"
            "app = App.open('office')\n"
            "office.serve(app, on_ready=lambda report: print('ready', flush=True))\n"
        )
        self._process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        return time.perf_counter() - began

    def rest(self) -> None:
        """Serve no more; the server ends, too."""
        if self._process is not None:
            server = self.server
            self._process.kill()
            self._process.wait()
            self._process = None
            with suppress(OSError):
                os.kill(server, signal.SIGTERM)
            until = time.monotonic() + 30
            while time.monotonic() < until and Path(f"/proc/{server}").exists():
                time.sleep(0.1)

    @contextmanager
    def measured(self, what: str, count: Callable[[], int], unit: str) -> Iterator[None]:
        """Print how long the block took, what it cost whom, and whether that is within LIMITS.

        Args:
            what: the block does.
            count: of how many; asked when it is done.
            unit: of what.
        """
        wall = time.perf_counter()
        before = [cpu(pid) for pid in (self.publisher, self.server)]
        yield
        wall = time.perf_counter() - wall
        office, server = (
            cpu(pid) - had for pid, had in zip((self.publisher, self.server), before, strict=True)
        )
        many = max(count(), 1)
        each = (office / many * 1000, server / many * 1000)
        limit = LIMITS[what]
        over = each[0] > limit[0] or each[1] > limit[1]
        print(
            f"{what}: {many:,} {unit} in {wall:,.1f} s; head office {office:,.1f} s of CPU"
            f" ({each[0]:.3f} ms each), server {server:,.1f} s ({each[1]:.3f} ms each); at most"
            f" {limit[0]} and {limit[1]} ms: {'ABOVE' if over else 'kept'}",
            flush=True,
        )
        if over:
            self.above.append(what)

    def settle(self) -> None:
        """Until nothing waits to be published."""
        while self.app.data.execute("SELECT 1 FROM hub_outbox LIMIT 1").fetchone():
            time.sleep(0.05)


class Follower:
    """A back office that keeps nothing."""

    def __init__(self, file: JoinFile, room: asyncio.Semaphore) -> None:
        self.file = file
        self.room = room
        self.received = 0
        self.last = 0.0
        self.position = 0
        self.epoch = ""
        self.greeted = 0.0
        self.ready = asyncio.Event()
        self.failed = 0

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                # what 1,500 machines sign and answer in a moment, this process does one by one
                async with self.room, AsyncExitStack() as line:
                    client = await line.enter_async_context(
                        connected(
                            self.file.url, self.file.key, self.file.token, self.file.store_code
                        )
                    )
                    line = line.pop_all()
                async with line:
                    answer = await client.request(
                        rights.hello_subject(self.file.store),
                        json.dumps({"stream": self.position, "epoch": self.epoch}).encode(),
                        timeout=60,
                    )
                    told = json.loads(answer.data)
                    assert not told["refill"]
                    self.epoch = told["epoch"]
                    read = 0
                    self.greeted = time.perf_counter()
                    pull = await line.enter_async_context(ShopPull(client, self.file.store))
                    while True:
                        messages = await pull.fetch(following.WAIT_S)
                        assert messages is not None  # nobody removes the consumer
                        if not messages:
                            self.ready.set()
                            continue
                        read += len(messages)
                        assert messages[-1].metadata.sequence.consumer == read  # none is missing
                        self.received += len(messages)
                        self.last = time.perf_counter()
                        about = messages[-1].metadata
                        self.position = max(self.position, about.sequence.stream)
                        if about.num_pending == 0:
                            self.ready.set()
                            await asyncio.sleep(following.GATHER_S)  # as who follows does
            except asyncio.CancelledError:
                raise
            except Exception:
                self.failed += 1
                await asyncio.sleep(0.5)


def first_fill(chain: Chain, departments: list[int]) -> None:
    """A shop's back office from nothing, by the real follower, writing its mirror."""
    times, used, things = [], [], 0
    for each in departments:
        profile = joining.join(chain.files[each], f"shop-{each}")
        with closing(App.open(profile.name)) as back:
            began, work = time.perf_counter(), time.process_time()
            things += following.follow(back, once=True).things
            times.append(time.perf_counter() - began)
            used.append(time.process_time() - work)
            follows = back.data.execute("SELECT count(*) FROM follow").fetchone()[0]
            expected = chain.app.data.execute(
                "SELECT count(*) FROM follow WHERE store_id = ?", (each,)
            ).fetchone()[0]
            assert follows == expected, (follows, expected)
            assert back.data.execute("SELECT count(*) FROM hub_waiting").fetchone() == (0,)
    print(
        f"a shop's first fill: {things / len(departments):,.0f} things,"
        f" median {median(times):.2f} s ({median(used):.2f} s of CPU), slowest {max(times):.2f} s",
        flush=True,
    )  # fmt: skip


def change(db: Any, keys: list[int], word: str) -> None:
    """Let customers change, a thousand a transaction as a sync does."""
    for start in range(0, len(keys), 1000):
        with db.atomic() as connection:
            connection.executemany(
                f"UPDATE customer SET name = name || '{word}' WHERE id = ?",
                [(key,) for key in keys[start : start + 1000]],
            )


async def seen(chain: Chain, file: JoinFile, count: int) -> None:
    """How long after its commit at head office a change is at a shop that follows."""
    keys = [
        row[0]
        for row in chain.app.data.execute(
            "SELECT DISTINCT customer_id FROM follow WHERE store_id = ? LIMIT ?",
            (file.store, count),
        )
    ]
    follower = Follower(file, asyncio.Semaphore(1))
    task = asyncio.create_task(follower.run())
    await asyncio.wait_for(follower.ready.wait(), 120)
    # who has just read everything gathers for a while what comes then
    for what, rest in (("by itself", following.GATHER_S + 0.1), ("soon after another", 0.03)):
        part, keys = keys[: count // 2], keys[count // 2 :]
        took = []
        for at, key in enumerate(part):
            await asyncio.sleep(rest + 0.2 * (at % 7) / 7)
            before = follower.received
            await asyncio.to_thread(change, chain.app.data, [key], "~")
            began = time.perf_counter()
            while follower.received == before:
                await asyncio.sleep(0.001)
            took.append(follower.last - began)
        late = quantiles(took, n=100)[98] > SEEN_S
        print(
            f"a change {what} seen in a shop: {spread(took)} of {len(took)}; p99 at most"
            f" {SEEN_S * 1000:,.0f} ms: {'ABOVE' if late else 'kept'}", flush=True,
        )  # fmt: skip
        if late:
            chain.above.append(f"a change {what}, seen in a shop")
    task.cancel()
    await asyncio.wait([task])


async def crowd(chain: Chain, changes: int) -> None:
    """All shops at once: greeting, a night's changes, and coming back together."""
    room = asyncio.Semaphore(50)
    followers = [Follower(each, room) for each in chain.files.values()]

    def received() -> int:
        return sum(each.received for each in followers)

    async def come(what: str, messages: int) -> list[asyncio.Task[None]]:
        """All connect at once, greet, and read until they have what is there."""
        for each in followers:
            each.ready.clear()
            each.received = each.failed = 0
            each.greeted = 0.0
        used = time.process_time()
        unit = "messages" if messages else "shops"
        with chain.measured(what, received if messages else lambda: len(followers), unit):
            began = time.perf_counter()
            tasks = [asyncio.create_task(each.run()) for each in followers]
            while not all(each.greeted for each in followers) or received() < messages:
                await asyncio.sleep(0.05)
        took = [each.greeted - began for each in followers]
        print(
            f"  greeted: {spread(took)}; {sum(each.failed for each in followers)} tries failed;"
            f" this process {time.process_time() - used:,.1f} s of CPU", flush=True,
        )  # fmt: skip
        return tasks

    async def leave(tasks: list[asyncio.Task[None]]) -> None:
        left = set(tasks)
        while left:  # one whose message came at that moment has not heard that it is cancelled
            for task in left:
                task.cancel()
            _ended, left = await asyncio.wait(left, timeout=5)

    async def night(word: str) -> None:
        await asyncio.to_thread(change, chain.app.data, keys, word)
        await asyncio.to_thread(chain.settle)

    count = chain.app.data.execute
    for_all = count("SELECT count(*) FROM hub_published WHERE store = 0").fetchone()[0]
    for_one = count("SELECT count(*) FROM hub_published WHERE store > 0").fetchone()[0]
    tasks = await come("all shops come for the first time", for_one + for_all * len(followers))
    for each in followers:
        each.received = 0
    keys = [
        row[0]
        for row in count(
            "SELECT id FROM customer ORDER BY (id * 7919) % 1000003 LIMIT ?", (changes,)
        )
    ]
    shops = count(
        "SELECT count(*) FROM (SELECT DISTINCT f.customer_id, d.store FROM follow AS f"
        " JOIN hub_department AS d ON d.department_id = f.store_id AND d.below = 1"
        " JOIN (SELECT id FROM customer ORDER BY (id * 7919) % 1000003 LIMIT ?) AS c"
        " ON c.id = f.customer_id WHERE f.status <> 'handed_over')", (changes,),
    ).fetchone()[0]  # fmt: skip
    with chain.measured("a night's changes, at every shop", received, "messages"):
        began = time.perf_counter()
        await night("!")
        print(f"  {len(keys):,} changes published after {time.perf_counter() - began:,.1f} s")
        while received() < shops:
            await asyncio.sleep(0.05)
    await leave(tasks)
    await night("?")
    tasks = await come("all shops come back after a night off line", shops)
    await leave(tasks)
    tasks = await come("all shops come back with nothing to read", 0)
    await leave(tasks)


def asked_directly(chain: Chain) -> None:
    """The same by each shop that syncs WeCom itself: calls, and hours of the company's limits."""
    shops = len(chain.files)
    (follows,) = chain.app.data.execute("SELECT count(*) FROM follow").fetchone()
    # a shop's members (at most 100 a call) by pages of 100 rows; and what everybody must read:
    # departments, members, tags, unassigned rows, group chats with a call each
    own = sum(
        -(-count // PAGE)
        for (count,) in chain.app.data.execute("SELECT count(*) FROM follow GROUP BY store_id")
    )
    common = 1 + 1 + 1 + 1 + 1 + 1  # token, departments, members, follow users, tags, unassigned
    chats = chain.app.data.execute("SELECT count(*) FROM group_chat").fetchone()[0]
    calls = own + shops * common + 2 * chats
    once = -(-follows // PAGE) + common + chats + -(-chats // PAGE)
    hours = own / HOURLY
    night = own * CALL_S / IN_FLIGHT / 3600
    print(
        f"each shop asking WeCom itself, once: {calls:,} calls against {once:,} by head office"
        f" (follows alone {own:,}: {hours:.2f} hours of the hourly limit, {night:.2f} h at"
        f" {IN_FLIGHT} in flight for the whole company)\n"
        f"  to be as fresh as a minute: {own * 60:,} calls an hour of the {HOURLY:,} allowed, and"
        f" {shops} places that hold the secret", flush=True,
    )  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--follows", type=int, default=1_000_000)
    parser.add_argument("--shops", type=int, default=1500)
    parser.add_argument("--changes", type=int, default=100_000)
    parser.add_argument("--data", type=Path, help="a mirror that benchmarks/data.py made")
    parser.add_argument("--only", default="", help="publish: end after the first publication")
    args = parser.parse_args()
    mirror = args.data or Path(".bench") / f"hub-{args.follows}.db"
    if args.data is None:
        data.get(mirror, data.Shape(args.follows // 2, args.follows)).close()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(dir=mirror.parent, ignore_cleanup_errors=True) as home:
        os.environ["STOREOPS_HOME"] = home
        began = time.perf_counter()
        chain = Chain(mirror, args.shops)
        follows = chain.app.data.execute("SELECT count(*) FROM follow").fetchone()[0]
        print(f"{len(chain.files):,} shops of a mirror with {follows:,} follows joined in"
              f" {time.perf_counter() - began:,.1f} s", flush=True)  # fmt: skip
        try:
            notes = outbox.waiting(chain.app.data)[0]
            print(f"shops can follow {chain.serve():.1f} s after the start", flush=True)
            published = "SELECT count(*) FROM hub_published"
            with chain.measured(
                "first publication", lambda: chain.app.data.execute(published).fetchone()[0],
                "things",
            ):  # fmt: skip
                chain.settle()
            print(f"  from {notes:,} notes; what all get is {rights.PARTS} messages")
            stream = on_disk(hub_settings.folder("office") / "stream")
            print(
                f"  server {memory(chain.server):,.0f} MiB of memory,"
                f" {stream:,.0f} MB on disk; publisher {memory(chain.publisher):,.0f} MiB",
                flush=True,
            )  # fmt: skip
            if args.only != "publish":
                first_fill(chain, list(chain.files)[:: max(1, len(chain.files) // 5)][:5])
                asyncio.run(seen(chain, next(iter(chain.files.values())), 200))
                asyncio.run(crowd(chain, args.changes))
                print(f"server {memory(chain.server):,.0f} MiB, publisher"
                      f" {memory(chain.publisher):,.0f} MiB at most", flush=True)  # fmt: skip
                chain.rest()
                print(f"started again, shops can follow after {chain.serve():.1f} s", flush=True)
            asked_directly(chain)
            if chain.above:
                sys.exit("above its limit: " + "; ".join(chain.above))
        finally:
            chain.rest()
            chain.app.close()


if __name__ == "__main__":
    main()
