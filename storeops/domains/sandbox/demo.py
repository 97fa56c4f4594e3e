"""The demo: a sandbox with an invented chain, its profile, and counts that both must share."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storeops import config, paths
from storeops.database.database import Database, connect_readonly
from storeops.domain import DemoStep, guarded, load, registry
from storeops.domains.sandbox import demo_history, sandbox_process
from storeops.domains.sandbox.sandbox_control import control
from storeops.domains.sandbox.sandbox_records import Running
from storeops.errors import ConflictError, NetworkError
from storeops.operations import ownership

if TYPE_CHECKING:
    from storeops.operations.wiring import Wiring

PROFILE = "demo"
STORES, STAFF, FOLLOWS = 12, 80, 4000
INVENTOR = "storeops demo"  # who adopts the rules of the chain, in the journal
_OF_THE_DAIRY = (  # a shop that `--dairy` gave a number, and of which nobody said anything since
    "code GLOB 'S[0-9][0-9][0-9]' AND region = ''"
    " AND name IS (SELECT d.name FROM department AS d WHERE d.id = department_id)"
)
# tables that no sync writes
BY_HAND = (
    "note", "view", "mark", "plan", f"shop WHERE NOT ({_OF_THE_DAIRY})",
    f"journal WHERE who <> '{INVENTOR}'",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Started:
    """A sandbox that the demo may use.

    Attributes:
        running: where it answers.
        fresh: it was started now; False when an earlier demo left it running.
        kept: the mirror is an earlier demo's, with what a person made in it.
        weeks: how long ago its clock stands; 0 for the present.
    """

    running: Running
    fresh: bool
    kept: bool = False
    weeks: int = 0


@dataclass(frozen=True, slots=True)
class DemoCount:
    """One figure, counted twice.

    Attributes:
        what: stable English name.
        mirror: counted by a query over the mirror.
        sandbox: what the sandbox says of itself.
    """

    what: str
    mirror: int
    sandbox: int

    @property
    def equal(self) -> bool:
        """Whether both agree."""
        return self.mirror == self.sandbox


@dataclass(frozen=True, slots=True)
class Sights:
    """What is worth looking at in this chain, so that the next commands find something.

    Attributes:
        shared: customers with more than one owner.
        untagged: customers without any tag.
        leavers: staff who left customers behind.
        surname: the commonest first character of customers' names.
        store: department id and name of the shop with most follows.
    """

    shared: int
    untagged: int
    leavers: int
    surname: str
    store: tuple[int, str]


def made_by_hand() -> dict[str, int]:
    """What a person made in an earlier demo, by kind; kinds of which there is nothing are left out.

    A database that cannot be read may hold anything: it counts as one of kind `unreadable`.
    """
    path = paths.profile_path(PROFILE) / "data.db"
    if not path.exists():
        return {}
    try:
        with closing(connect_readonly(path, timeout_s=5)) as connection:
            found = {
                table.split()[0]: int(
                    connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                )
                for table in BY_HAND
            }
    except sqlite3.Error:
        return {"unreadable": 1}
    return {table: count for table, count in found.items() if count}


def start(*, fresh: bool = False, weeks: int = 0) -> Started:
    """Find the demo's sandbox or start it, and write its profile.

    What a person made in an earlier demo stays, whether its sandbox still runs or not, unless
    `fresh` says that it may go; backups stay always. The default profile stays what it is.

    Args:
        fresh: stop an earlier demo's sandbox and begin anew, databases included.
        weeks: let a sandbox that is started now begin so long ago; `demo_history.play` brings it
            to the present.

    Raises:
        ConflictError: a profile named demo exists and is a real company, or `fresh` and another
            process works with its files.
        NetworkError: the sandbox did not start.
    """
    port = sandbox_process.profile_port(PROFILE)
    known = config.load().profiles.get(PROFILE)
    if known is not None:
        for each in sandbox_process.running():
            if each.base_url == known.base_url:
                if not fresh:
                    return Started(each, fresh=False)
                with ownership.must_be_alone(PROFILE):
                    sandbox_process.stop(each.base_url)
    kept = _clear(fresh=fresh)
    weeks = 0 if kept else weeks
    shape = [f"--stores={STORES}", f"--staff={STAFF}", f"--follows={FOLLOWS}"]
    if weeks:
        shape.append(f"--start-at={demo_history.started_at(time.time(), weeks)}")
    running = _start_at(port, shape) if port else None
    if running is None:
        running, _process = sandbox_process.start(["--port=0", *shape], detach=True)
    sandbox_process.make_profile(PROFILE, running)
    return Started(running, fresh=True, kept=kept, weeks=weeks)


def _clear(*, fresh: bool) -> bool:
    """Remove databases of an earlier demo that hold nothing of a person; whether some stay."""
    if not fresh and made_by_hand():
        return True
    try:
        ownership.remove_files(PROFILE)
    except ConflictError:
        if fresh:
            raise
        return True  # windows that are open go on working
    return False


def _start_at(port: int, shape: list[str]) -> Running | None:
    """At the port it had before, so that open windows go on working; None when it is taken."""
    from storeops.errors import UsageError

    try:
        return sandbox_process.start([f"--port={port}", *shape], detach=True)[0]
    except UsageError:
        return None


def counts(db: Database, base_url: str) -> list[DemoCount]:
    """Count the mirror by queries and set the sandbox's own figures beside it.

    Raises:
        NetworkError: the sandbox does not answer.
    """
    told: dict[str, Any] = control(base_url, "GET", "status")["counts"]
    queries = {
        "departments": "SELECT count(*) FROM department WHERE status = 'active'",
        "staff": "SELECT count(*) FROM staff WHERE status = 'active'",
        "customers": "SELECT count(DISTINCT customer_id) FROM follow",
        "follows": "SELECT count(*) FROM follow WHERE status = 'active'",
        "unassigned": "SELECT count(*) FROM unassigned",
        "tags": "SELECT count(*) FROM tag WHERE deleted_at IS NULL AND kind = 1",
        "groups": "SELECT count(*) FROM group_chat WHERE status = 'active'",
    }
    return [
        DemoCount(what, int(db.execute(sql).fetchone()[0]), int(told[what]))
        for what, sql in queries.items()
        if what in told
    ]


def furnish(app: Wiring) -> list[DemoStep]:
    """Let every domain invent what it knows beside WeCom; what to look at then.

    Args:
        app: of the demo's profile, its mirror synced, `INVENTOR` at its keyboard.
    """
    steps: list[DemoStep] = []
    for domain, where in registry().each("demo"):
        with guarded(domain):
            steps += load(where)(app)
    return steps


def sights(db: Database) -> Sights:
    """Figures and names that the suggested commands use."""

    def one(sql: str) -> Any:
        return db.execute(sql).fetchone()

    shared = one(
        "SELECT count(*) FROM (SELECT customer_id FROM follow WHERE status = 'active'"
        " GROUP BY customer_id HAVING count(*) > 1)"
    )[0]
    untagged = one(
        "SELECT count(*) FROM customer WHERE NOT EXISTS (SELECT 1 FROM follow"
        " JOIN follow_tag ON follow_tag.follow_id = follow.id"
        " WHERE follow.customer_id = customer.id)"
    )[0]
    leavers = one("SELECT count(DISTINCT handover_userid) FROM unassigned")[0]
    surname = one(
        "SELECT substr(name, 1, 1) FROM customer WHERE unicode(name) BETWEEN 19968 AND 40959"
        " GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    )
    store = one(
        "SELECT department.id, department.name FROM follow JOIN department"
        " ON department.id = store_id GROUP BY store_id ORDER BY count(*) DESC, 1 LIMIT 1"
    )
    if surname is None or store is None:
        raise NetworkError("the sandbox gave no customers")
    return Sights(shared, untagged, leavers, surname[0], (store[0], store[1]))
