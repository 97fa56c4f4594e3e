"""`python -m storeops.sandbox`: serve one sandbox until interrupted."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import threading

import uvicorn

from storeops.sandbox import server, snapshot
from storeops.sandbox.clock import Clock
from storeops.sandbox.corp import CUSTOMER_APP
from storeops.sandbox.seed import build
from storeops.sandbox.settings import Settings
from storeops.sandbox.world import World


def main(argv: list[str] | None = None) -> int:
    """Seed or load, print one line of JSON when ready, serve; exit code."""
    parser = argparse.ArgumentParser(prog="python -m storeops.sandbox")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--stores", type=int, default=24)
    parser.add_argument("--staff", type=int, default=120)
    parser.add_argument("--follows", type=int, default=5000)
    parser.add_argument("--latency", type=int, default=0, metavar="MS")
    parser.add_argument("--start-at", type=int, metavar="UNIX_SECONDS")
    parser.add_argument("--load", metavar="FILE")
    parser.add_argument("--until-eof", action="store_true", help="end when stdin ends")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    args = parser.parse_args(argv)
    try:
        values = dict(item.partition("=")[::2] for item in args.set)
        settings = Settings(latency_ms=args.latency).changed(values)
        sock = server.listen(args.host, args.port)
        clock = Clock(args.start_at)
        corp = (
            snapshot.load(args.load)
            if args.load
            else build(args.seed, args.stores, args.staff, args.follows, clock)
        )
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    control_key = secrets.token_urlsafe(32)
    ready = {
        "base_url": server.base_url(sock),
        "corp_id": corp.corp_id,
        "agent_id": CUSTOMER_APP,
        "secret": corp.apps[CUSTOMER_APP].secret,
        "pid": os.getpid(),
        "control_key": control_key,
    }
    print(json.dumps(ready), flush=True)
    sys.stdout.close()  # whoever started this needs no more, and a closed pipe must not hurt
    running = server.make_server(World(corp, settings), control_key)
    if args.until_eof:
        threading.Thread(target=_until_eof, args=(running,), daemon=True).start()
    running.run(sockets=[sock])
    return 0


def _until_eof(running: uvicorn.Server) -> None:
    """Stop when the starting process is gone: its end of the pipe closes, even on kill -9."""
    while os.read(0, 4096):
        pass
    running.should_exit = True


if __name__ == "__main__":
    raise SystemExit(main())
