"""The sandbox at full scale: seeding, memory, pages a second.

Run: python benchmarks/sandbox.py [--stores 1500] [--staff 7500] [--follows 1000000]

A client process (http.client, keep-alive connections) reads every relation of the chain through
batch/get_by_user, 100 members and 100 rows a call, and throws the answers away; the server has a
process of its own. "One core" is pages per second of the server's own CPU time.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

WORKERS = 4


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    import os

    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int, field: str) -> int:
    """VmRSS or VmHWM of a process, MB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split(f"{field}:")[1].split()[0]) // 1024


class Caller:
    """One keep-alive connection."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._wire = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=600)

    def call(self, method: str, path: str, body: object = None) -> bytes:
        """The raw answer."""
        payload = None if body is None else json.dumps(body).encode()
        self._wire.request(method, path, payload)
        return self._wire.getresponse().read()


def read_all(base_url: str, token: str, groups: list[list[str]], counts: list[int]) -> None:
    """Take member groups from the list and read their pages until none is left."""
    caller = Caller(base_url)
    path = f"/cgi-bin/externalcontact/batch/get_by_user?access_token={token}"
    while groups:
        try:
            users = groups.pop()
        except IndexError:
            return
        cursor = ""
        while True:
            body = {"userid_list": users, "limit": 100, "cursor": cursor}
            raw = caller.call("POST", path, body)
            # the end of the answer is enough; decoding it all would measure this process
            tail = raw[raw.rindex(b'"next_cursor":"') + 15 :]
            cursor = tail[: tail.index(b'"')].decode()
            counts[0] += 1
            counts[1] += len(raw)
            if not cursor:
                break


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", type=int, default=1500)
    parser.add_argument("--staff", type=int, default=7500)
    parser.add_argument("--follows", type=int, default=1_000_000)
    args = parser.parse_args()
    shape = [f"--{name}={value}" for name, value in vars(args).items()]
    limits = ["--set=minute_limit=100000000", "--set=hour_limit=100000000"]
    limits += ["--set=ip_minute_limit=100000000", "--set=ip_hour_limit=100000000"]
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "storeops.sandbox", *shape, *limits], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    rows = [
        ("from nothing to ready", f"{time.perf_counter() - began:.1f} s"),
        ("memory after seeding", f"{memory_mb(ready['pid'], 'VmRSS')} MB"),
    ]
    try:
        rows += measure(ready)
    finally:
        process.terminate()
        process.wait()
    title = f"{args.stores} stores, {args.staff} members, {args.follows:,} follows"
    print(title)
    for name, value in rows:
        print(f"  {name:<44} {value:>14}")


def measure(ready: dict[str, object]) -> list[tuple[str, str]]:
    """Read everything once; the rows of the table."""
    base_url, pid = str(ready["base_url"]), int(str(ready["pid"]))
    caller = Caller(base_url)
    query = f"corpid={ready['corp_id']}&corpsecret={ready['secret']}"
    token = json.loads(caller.call("GET", f"/cgi-bin/gettoken?{query}"))["access_token"]
    path = f"/cgi-bin/externalcontact/get_follow_user_list?access_token={token}"
    users = json.loads(caller.call("GET", path))["follow_user"]
    groups = [users[at : at + 100] for at in range(0, len(users), 100)]
    counts = [0, 0]
    before, began = cpu_seconds(pid), time.perf_counter()
    threads = [
        threading.Thread(target=read_all, args=(base_url, token, groups, counts))
        for _ in range(WORKERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, cpu = time.perf_counter() - began, cpu_seconds(pid) - before
    pages, size = counts
    return [
        ("pages of up to 100 rows", f"{pages:,}"),
        ("bytes a page", f"{size // pages:,}"),
        (f"pages a second, {WORKERS} connections", f"{pages / wall:,.0f}"),
        ("pages a second of one core", f"{pages / cpu:,.0f}"),
        ("CPU a page", f"{cpu / pages * 1000:.2f} ms"),
        ("most memory ever", f"{memory_mb(pid, 'VmHWM')} MB"),
    ]


if __name__ == "__main__":
    main()
