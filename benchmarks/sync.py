"""A sync beside its floor and beside plain ways to do it, in one run and one table.

    python benchmarks/sync.py --follows 20000 --latency 50
    python benchmarks/sync.py --stores 1500 --staff 7500 --follows 1000000 --latency 50

Rows: our sync (first and second), the same calls with the answers thrown away (the floor), the
same calls written with sqlite-utils `upsert_all` page by page, and one call per customer, one
after the other. The last two read a sample (`--sample` calls) and are extrapolated; the table
says so. Every row is a process of its own, so that CPU and memory are its own. While our sync
runs, the main process commits single rows to run.db and data.db and reports how long they took.
"""

from __future__ import annotations

import argparse
import json
import queue
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.commits import Commits
from benchmarks.seeded import Where, seeded
from storeops.app import DATA_ROOMS, RUN_ROOMS, migrations
from storeops.clock import SystemClock
from storeops.database.database import Database, open_database
from storeops.limits.governor import Governor
from storeops.limits.tokens import RunTokenStore
from storeops.sync.members import MemberToRead, group
from storeops.sync.run import run_sync
from storeops.wecom import contacts, customers, groups, handover, tags
from storeops.wecom.client import WeComClient

GET_BY_USER = "externalcontact/batch/get_by_user"
IN_FLIGHT = 4
_CURSOR = re.compile(rb'"next_cursor"\s*:\s*"([^"]*)"')


@dataclass
class Ports:
    """What a sync needs."""

    data: Database
    client: WeComClient
    clock: SystemClock


# -- rows, each in its own process ----------------------------------------------------------------


def ours(where: Where, folder: Path, _sample: int) -> dict[str, Any]:
    """`storeops sync run`, with the governor and the token store of real use."""
    clock = SystemClock()
    run = open_database(folder / "run.db", migrations(RUN_ROOMS))
    client = where.client(
        clock=clock,
        tokens=RunTokenStore(run, where.corp_id, where.agent_id, clock, lambda: where.secret),
        limiter=Governor(run, where.corp_id, clock=clock),
    )
    data = open_database(folder / "data.db", migrations(DATA_ROOMS), cache_mb=32)
    before = data.execute("SELECT value FROM mirror_meta WHERE key = 'revision'").fetchone()
    result = run_sync(Ports(data, client, clock))
    after = data.execute("SELECT value FROM mirror_meta WHERE key = 'revision'").fetchone()
    follows = next(each for each in result.scopes if each.scope == "follows")
    return {
        "calls": follows.calls,
        "all_calls": sum(each.calls for each in result.scopes),
        "rows": follows.seen,
        "outcome": result.outcome,
        "facts": "facts written" if before != after else "no fact written",
        "follows_s": _scope_seconds(data, result.run_id),
    }


def _scope_seconds(data: Database, run_id: int) -> dict[str, int]:
    return {
        row[0]: row[1]
        for row in data.execute(
            "SELECT scope, finished_at - started_at FROM sync_scope WHERE run_id = ?", (run_id,)
        )
    }


def _raw_pages(where: Where, calls: int) -> Iterator[bytes]:
    """Bodies of the pages of the same calls, four chains at a time; `calls` at most (0 = all)."""
    import httpx

    with where.client() as client:
        users = customers.list_follow_users(client)
        client._tokens.get(client._fetch_token)
        token = client._tokens.get(client._fetch_token)
    jobs: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    for each, _rows in group([MemberToRead(user) for user in users]):
        jobs.put(each)
    pages: queue.Queue[bytes | None] = queue.Queue(maxsize=8)
    made = 0
    lock = threading.Lock()
    url = f"{where.base_url}/cgi-bin/{GET_BY_USER}?access_token={token}"

    def read() -> None:
        nonlocal made
        with httpx.Client(trust_env=False, timeout=60) as http:
            while True:
                try:
                    members = jobs.get_nowait()
                except queue.Empty:
                    break
                cursor = ""
                while True:
                    with lock:
                        if calls and made >= calls:
                            break
                        made += 1
                    body = {"userid_list": members, "cursor": cursor, "limit": 100}
                    content = http.post(url, json=body).content
                    pages.put(content)
                    found = _CURSOR.search(content, max(0, len(content) - 600))
                    cursor = found[1].decode() if found else ""
                    if not cursor:
                        break
        pages.put(None)

    threads = [threading.Thread(target=read, daemon=True) for _ in range(IN_FLIGHT)]
    for thread in threads:
        thread.start()
    ended = 0
    while ended < IN_FLIGHT:
        page = pages.get()
        if page is None:
            ended += 1
        else:
            yield page


def floor(where: Where, _folder: Path, _sample: int) -> dict[str, Any]:
    """The same calls, four in flight, the answers thrown away unread."""
    began = time.perf_counter()
    calls = sum(1 for _page in _raw_pages(where, 0))
    follows_s = time.perf_counter() - began
    return {"calls": calls, "follows_s": follows_s, "all_calls": calls + _other_calls(where)}


def _other_calls(where: Where) -> int:
    """The calls of the other scopes: the tree, its members, tags, leavers, and every group."""
    with where.client() as client:
        tree = contacts.list_departments(client)
        roots = [each.id for each in tree if each.parentid == 1] if len(tree) > 300 else [1]
        for root in roots:
            contacts.list_users(client, root, fetch_child=True)
        listed = list(customers.list_follow_users(client))
        tags.list_corp_tags(client)
        leavers = sum(1 for _row in handover.iter_unassigned(client)) // 1000
        chats: list[str] = []
        for start in range(0, len(listed), groups.OWNERS_PER_CALL):
            owners = listed[start : start + groups.OWNERS_PER_CALL]
            chats += [row.chat_id for row in groups.iter_chats(client, owners=owners)]
        token = client._tokens.get(client._fetch_token)
        url = f"{where.base_url}/cgi-bin/{groups.GET}?access_token={token}"
        with ThreadPoolExecutor(IN_FLIGHT) as pool, httpx_client() as http:
            for _answer in pool.map(
                lambda chat: http.post(url, json={"chat_id": chat, "need_name": 1}).content, chats
            ):
                pass
    return 4 + len(roots) + leavers + -(-len(listed) // groups.OWNERS_PER_CALL) + len(chats)


def httpx_client() -> Any:
    """A plain client for loopback."""
    import httpx

    return httpx.Client(trust_env=False, timeout=60)


def upsert_all(where: Where, folder: Path, sample: int) -> dict[str, Any]:
    """The same calls, written with sqlite-utils `upsert_all`, a page at a time, text keys."""
    import sqlite_utils

    db = sqlite_utils.Database(folder / "plain.db")
    db.enable_wal()
    calls = rows = 0
    for page in _raw_pages(where, sample):
        found = json.loads(page)["external_contact_list"]
        calls += 1
        rows += len(found)
        db["customer"].upsert_all(
            (each["external_contact"] for each in found), pk="external_userid", alter=True
        )
        db["follow"].upsert_all(
            (
                {
                    **{k: v for k, v in each["follow_info"].items() if k != "tag_id"},
                    "external_userid": each["external_contact"]["external_userid"],
                }
                for each in found
            ),
            pk=("userid", "external_userid"),
            alter=True,
        )
        db["follow_tag"].upsert_all(
            (
                {
                    "userid": each["follow_info"]["userid"],
                    "external_userid": each["external_contact"]["external_userid"],
                    "tag_id": tag,
                }
                for each in found
                for tag in each["follow_info"]["tag_id"]
            ),
            pk=("userid", "external_userid", "tag_id"),
        )
    return {"calls": calls, "rows": rows}


def one_by_one(where: Where, folder: Path, sample: int) -> dict[str, Any]:
    """externalcontact/list per member, then externalcontact/get per customer, in a loop."""
    import sqlite_utils

    db = sqlite_utils.Database(folder / "loop.db")
    calls = rows = 0
    with where.client() as client:
        for user in customers.list_follow_users(client):
            if calls >= sample:
                break
            try:
                listed = customers.list_external_userids(client, user)
            except Exception:
                continue
            for external in listed:
                if calls >= sample:
                    break
                params = {"external_userid": external}
                row = client.raw("get", "externalcontact/get", params)["external_contact"]
                db["customer"].upsert(row, pk="external_userid", alter=True)
                calls += 1
                rows += 1
    return {"calls": calls, "rows": rows}


ROWS: dict[str, Callable[[Where, Path, int], dict[str, Any]]] = {
    "ours": ours,
    "floor": floor,
    "upsert_all": upsert_all,
    "one_by_one": one_by_one,
}


# -- the table ------------------------------------------------------------------------------------


def measure(name: str, where: Where, folder: Path, sample: int) -> dict[str, Any]:
    """One row in a process of its own: its answer with wall, CPU and peak memory."""
    words = [
        sys.executable,
        __file__,
        "--row",
        name,
        "--folder",
        str(folder),
        "--sample",
        str(sample),
    ]
    process = subprocess.run(
        words, input=json.dumps(where.__dict__), stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return found


def run_row(name: str, folder: Path, sample: int) -> None:
    """In the row's own process."""
    where = Where(**json.loads(sys.stdin.readline()))
    began = time.perf_counter()
    found = ROWS[name](where, folder, sample)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    found["wall_s"] = time.perf_counter() - began
    found["cpu_s"] = usage.ru_utime + usage.ru_stime
    found["peak_mb"] = usage.ru_maxrss / 1024
    print(json.dumps(found))


def table(rows: list[tuple[str, dict[str, Any], float, str]]) -> None:
    """Print (title, measured, factor to the whole, note)."""
    print(f"\n{'':34}{'calls':>9}{'wall s':>10}{'CPU s':>9}{'ms/page':>9}{'peak MB':>9}  note")
    for title, found, factor, note in rows:
        calls = found["calls"] * factor
        print(
            f"{title:34}{calls:>9,.0f}{found['wall_s'] * factor:>10,.1f}"
            f"{found['cpu_s'] * factor:>9,.1f}"
            f"{1000 * found['cpu_s'] / max(1, found['calls']):>9.2f}"
            f"{found['peak_mb']:>9,.0f}  {note}"
        )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--follows", type=int, default=20_000)
    parser.add_argument("--staff", type=int, default=400)
    parser.add_argument("--stores", type=int, default=80)
    parser.add_argument("--latency", type=int, default=50, metavar="MS")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--sample", type=int, default=300, help="calls of the plain ways")
    parser.add_argument("--only-ours", action="store_true", help="leave out the plain ways")
    parser.add_argument("--row", choices=ROWS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        run_row(args.row, args.folder, args.sample)
        return
    shape = {
        name: getattr(args, name) for name in ("follows", "staff", "stores", "seed", "latency")
    }
    with seeded(**shape) as where, tempfile.TemporaryDirectory() as name:
        compare(args, where, Path(name))


def compare(args: argparse.Namespace, where: Where, folder: Path) -> None:
    """All rows, floor first, while nothing else asks the sandbox."""
    below = measure("floor", where, folder, 0)
    with Commits(folder) as commits:
        first = measure("ours", where, folder, 0)
        then = commits.so_far()
        second = measure("ours", where, folder, 0)
    rows = [
        ("floor: same calls, thrown away", below, 1.0, "measured"),
        ("storeops sync, first", first, 1.0, f"{first['outcome']}, {first['facts']}"),
        ("storeops sync, second", second, 1.0, f"{second['outcome']}, {second['facts']}"),
    ]
    if not args.only_ours:
        plain = measure("upsert_all", where, folder, args.sample)
        factor = below["calls"] / plain["calls"]
        note = "measured" if factor == 1 else f"from {plain['calls']} calls, extrapolated"
        rows.append(("sqlite-utils upsert_all per page", plain, factor, note))
        loop = measure("one_by_one", where, folder, args.sample)
        factor = first["rows"] / max(1, loop["rows"])
        note = f"from {loop['calls']} calls, extrapolated"
        rows.append(("one call per customer, in a loop", loop, factor, note))
    print(
        f"{args.stores} stores, {args.staff} staff, {args.follows:,} follows,"
        f" latency {args.latency} ms, {IN_FLIGHT} calls in flight"
    )
    table(rows)
    print("\ncalls and ms/page are of batch/get_by_user; wall and CPU of all scopes together;")
    print("CPU is the syncing process alone; the first sync builds all indexes.")
    for title, found in (("first", first), ("second", second)):
        follows_s = found["follows_s"].get("follows", 0)
        print(
            f"{title}: {found['all_calls']:,} calls in all (floor {below['all_calls']:,}),"
            f" {found['wall_s'] / below['wall_s']:.2f} × the floor; follows alone {follows_s} s,"
            f" {follows_s / below['follows_s']:.2f} × ({below['follows_s']:.1f} s)"
        )
    print("meanwhile, one-row commits:")
    for name in commits.took:
        print(" ", commits.line(name, "in all:"))
        print(" ", commits.line(name, "first sync:", last=then[name]))
        print(" ", commits.line(name, "second sync:", first=then[name]))
    size = (folder / "data.db").stat().st_size / 1e6
    print(f"data.db {size:,.0f} MB")


if __name__ == "__main__":
    main()
