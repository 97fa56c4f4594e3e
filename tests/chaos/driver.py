"""One sync as a process of its own: what the crash harness starts and kills.

    python tests/chaos/driver.py DATA_DB RUN_DB BASE_URL CORP_ID AGENT_ID SCOPES < SECRET

Prints one line of JSON: the result, or {"error": …}. The secret comes by stdin, as always.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from storeops.app import DATA_ROOMS, RUN_ROOMS, migrations
from storeops.clock import SystemClock
from storeops.database.database import Database, open_database
from storeops.errors import StoreOpsError
from storeops.limits.governor import Governor
from storeops.limits.tokens import RunTokenStore
from storeops.retrying import Waits
from storeops.sync.run import run_sync
from storeops.wecom.client import WeComClient
from storeops.wecom.transport import Timeouts


@dataclass
class Ports:
    """What a sync needs."""

    data: Database
    client: WeComClient
    clock: SystemClock


def main() -> int:
    data, run, base_url, corp_id, agent_id, scopes = sys.argv[1:7]
    secret = sys.stdin.readline().strip()
    clock = SystemClock()
    run_db = open_database(Path(run), migrations(RUN_ROOMS))
    client = WeComClient(
        base_url=base_url,
        corp_id=corp_id,
        agent_id=agent_id,
        secret=lambda: secret,
        tokens=RunTokenStore(run_db, corp_id, agent_id, clock, lambda: secret),
        limiter=Governor(run_db, corp_id, clock=clock),
        clock=clock,
        timeouts=Timeouts(connect_s=1.0, read_s=1.0),
        retries=Waits(3, 0.02, 0.1),
    )
    ports = Ports(open_database(Path(data), migrations(DATA_ROOMS)), client, clock)
    print("ready", flush=True)
    try:
        result = run_sync(ports, scopes=scopes.split(",") if scopes else None)
    except StoreOpsError as error:
        print(json.dumps({"error": error.as_dict()}), flush=True)
        return int(error.exit_code)
    print(json.dumps(result.as_dict()), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
