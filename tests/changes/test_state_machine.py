"""Wishes, applies, faults, crashes and undos in any order: the ledger keeps its invariants.

WeCom is played by a few lines in memory here, so that thousands of steps take seconds; the same
things happen to real processes in tests/chaos/changes.py.
"""

import tempfile
from collections import Counter
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from storeops import retrying
from storeops.app import DATA_ROOMS, migrations
from storeops.changes import apply, control, plans, relations, undo
from storeops.changes.action import DONE, FAILED, QUEUED, READY, Call, Row, RowResult
from storeops.changes.follow_requests import SelectedFollows
from storeops.changes.job_records import LedgerRecords
from storeops.changes.jobs.worker import Worker
from storeops.changes.ledger import open_ledger
from storeops.changes.verify import verify
from storeops.clock import SystemClock
from storeops.database.database import open_database
from storeops.domains.tags.tag_plan import plan_tags
from storeops.domains.tags.tagging import TagAction
from storeops.errors import ConflictError, NothingToDoError, UsageError
from storeops.wecom.customers import CustomerPage, ExternalContact, FollowTag, FollowUser
from storeops.wecom.errors import UncertainError, refused

MEMBERS = ("anna", "bert", "carl")
CUSTOMERS = tuple(f"wm{number}" for number in range(6))
TAGS = tuple(f"et{number}" for number in range(3))


class Crash(BaseException):
    """The process is gone."""


class WeCom:
    """mark_tag, get, and a call that must not be sent twice."""

    def __init__(self, follows):
        self.tags = {pair: set() for pair in follows}
        self.counted = Counter()
        self.trouble = []

    def _fault(self):
        return self.trouble.pop() if self.trouble else ""

    def _around(self, path, act):
        fault = self._fault()
        if fault == "busy":
            raise refused(path, -1, "")
        if fault == "banned":
            raise refused(path, 45009, "", retry_after_s=0.01)
        if fault == "cut":
            raise UncertainError("no answer")
        act()
        if fault == "lost":
            raise UncertainError("no answer")

    def post(self, path, _shape, body=None, **_how):
        pair = (body["userid"], body["external_userid"])
        if pair not in self.tags:
            raise refused(path, 84061, "")

        def act():
            self.tags[pair] |= set(body["add_tag"] or ())
            self.tags[pair] -= set(body["remove_tag"] or ())

        self._around(path, act)

    def get(self, path, _shape, params=None, **_how):
        customer = params["external_userid"]
        follows = tuple(
            FollowUser(userid=userid, tags=tuple(FollowTag(tag_id=tag) for tag in sorted(tags)))
            for (userid, each), tags in sorted(self.tags.items())
            if each == customer
        )
        if not follows:
            raise refused(path, 84061, "")
        return CustomerPage(
            errcode=0, external_contact=ExternalContact(customer), follow_user=follows
        )

    def count(self, row):
        def act():
            self.counted[row] += 1

        self._around("test/count", act)


class CountAction:
    """A call that is not safe to repeat: it only counts."""

    name, path = "count", "test/count"

    def observe(self, view, rows):
        return [row.before for row in rows]

    def check(self, view, rows):
        return [READY for _row in rows]

    def batch(self, rows, params):
        return [rows[start : start + 3] for start in range(0, len(rows), 3)]

    def call(self, rows, params):
        return Call(rows, {"of": params["of"]}, [f"customer:{row.external_userid}" for row in rows])

    def send(self, client, call):
        client.count(tuple((call.payload["of"], row.row) for row in call.rows))

    def interpret(self, call, answer, error):
        if error is None:
            return [RowResult(row.row, DONE, 0) for row in call.rows]
        return [RowResult(row.row, FAILED, error.errcode) for row in call.rows]

    def read_back(self, client, call):
        seen = client.counted[tuple((call.payload["of"], row.row) for row in call.rows)]
        return [RowResult(row.row, DONE if seen else QUEUED) for row in call.rows]

    def facts(self, db, results, ref, now):
        pass


class CrashingRecords(LedgerRecords):
    """Ends the process in the middle of its n-th transaction."""

    def __init__(self, ledger, after):
        super().__init__(ledger)
        self.left = after

    def record_results(self, *words, **how):
        self.left -= 1
        if self.left < 0:
            raise Crash
        super().record_results(*words, **how)


class Ledgers(RuleBasedStateMachine):
    """The machine of everything that can happen to plans."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.impatience = mock.patch.object(retrying, "JOB", retrying.Waits(6, 0.01, 120.0))
        self.impatience.start()
        root = Path(self.folder.name)
        self.db = open_database(root / "data.db", migrations(DATA_ROOMS))
        follows = [(m, c) for i, m in enumerate(MEMBERS) for c in CUSTOMERS[i : i + 4]]
        self.wecom = WeCom(follows)
        with self.db.atomic() as connection:
            connection.execute(
                "INSERT INTO tag_group (id, group_id, name) VALUES (1, 'etG', 'Level')"
            )
            for number, tag in enumerate(TAGS, start=1):
                connection.execute(
                    "INSERT INTO tag (id, tag_id, group_id, name) VALUES (?, ?, 1, ?)",
                    (number, tag, f"T{number}"),
                )
            for number, userid in enumerate(MEMBERS, start=1):
                connection.execute(
                    "INSERT INTO staff (id, userid, first_seen_at, updated_at) VALUES (?, ?, 0, 0)",
                    (number, userid),
                )
            for number, customer in enumerate(CUSTOMERS, start=1):
                connection.execute(
                    "INSERT INTO customer (id, external_userid, first_seen_at, updated_at)"
                    " VALUES (?, ?, 0, 0)",
                    (number, customer),
                )
            for member, customer in follows:
                connection.execute(
                    "INSERT INTO follow (staff_id, customer_id, first_seen_at, updated_at)"
                    " VALUES (?, ?, 0, 0)",
                    (MEMBERS.index(member) + 1, CUSTOMERS.index(customer) + 1),
                )
        self.actions = {"tag": TagAction(), "count": CountAction()}
        self.ledger = open_ledger(self.db, root, self.actions, SystemClock(), "t", who="machine")
        self.names = []
        self.counts = 0

    def worker(self, records=None):
        return Worker(
            self.db, records or LedgerRecords(self.ledger), self.actions, lambda stop: self.wecom,
            self.ledger.clock, threads=2,
        )  # fmt: skip

    def attempt(self, function, *words, **how):
        try:
            return function(*words, **how)
        except (ConflictError, NothingToDoError, UsageError):
            return None

    @rule(
        add=st.sets(st.sampled_from(TAGS), max_size=2),
        remove=st.sets(st.sampled_from(TAGS), max_size=1),
        members=st.sets(st.sampled_from(MEMBERS), min_size=1),
    )
    def wish_tags(self, add, remove, members):
        remove -= add
        if not add and not remove:
            return
        found = relations.of_customers(self.db, range(1, len(CUSTOMERS) + 1))
        selected = SelectedFollows(
            [each for follows in found for each in follows if each.userid in members]
        )
        plan = self.attempt(
            plan_tags, self.ledger, selected, add=sorted(add), remove=sorted(remove)
        )
        if plan is not None:
            self.names.append(plan.name)

    @rule(rows=st.integers(2, 8))
    def wish_counts(self, rows):
        self.counts += 1
        plan = plans.make(
            self.ledger,
            "count",
            [Row(number, CUSTOMERS[number % 6], subject=str(number)) for number in range(1, rows)],
            params={"of": self.counts},
        )
        self.names.append(plan.name)

    @precondition(lambda self: self.names)
    @rule(data=st.data(), skip=st.booleans())
    def apply_one(self, data, skip):
        name = data.draw(st.sampled_from(self.names))
        self.attempt(apply.apply, self.ledger, name, skip_changed=skip)

    @precondition(lambda self: self.names)
    @rule(data=st.data(), what=st.sampled_from(["cancel", "pause", "resume", "retry", "undo"]))
    def act(self, data, what):
        name = data.draw(st.sampled_from(self.names))
        kind = plans.get(self.db, name).kind
        if what == "cancel":
            self.attempt(control.cancel_plan, self.ledger, name)
        elif what == "pause":
            self.attempt(control.pause, self.ledger, name)
        elif what == "resume":
            self.attempt(control.pause, self.ledger, name, resume=True)
        elif what == "retry":
            self.attempt(control.retry_failed, self.ledger, name)
        elif kind == "tag":
            made = self.attempt(undo.plan_undo, self.ledger, name)
            if made is not None:
                self.names.append(made.name)

    @rule(faults=st.lists(st.sampled_from(["", "", "busy", "banned", "cut", "lost"]), max_size=8))
    def trouble(self, faults):
        self.wecom.trouble = list(faults)

    @rule()
    def work(self):
        self.worker().run(once=True)

    @rule(after=st.integers(0, 6))
    def work_and_crash(self, after):
        try:
            self.worker(CrashingRecords(self.ledger, after)).run(once=True)
        except Crash:
            self.db.execute(
                "UPDATE worker SET holder = 'elsewhere/1/1/x', heartbeat_at = 0"
                " WHERE finished_at IS NULL"
            )

    @rule(member=st.sampled_from(MEMBERS), tag=st.sampled_from(TAGS))
    def somebody_marks_a_tag_by_hand(self, member, tag):
        """In WeCom and, by an event, in the mirror."""
        from storeops.mirror import facts

        pair = next(each for each in self.wecom.tags if each[0] == member)
        off = tag in self.wecom.tags[pair]
        (self.wecom.tags[pair].discard if off else self.wecom.tags[pair].add)(tag)
        facts.follow_tags_changed(
            self.db, *pair, add=[] if off else [tag], remove=[tag] if off else [],
            source="event", ref="e", now=1,
        )  # fmt: skip

    @invariant()
    def rows_and_jobs_agree(self):
        if not hasattr(self, "db"):
            return
        wrong = self.db.execute(
            "SELECT r.plan_id, r.row, r.status, (SELECT count(*) FROM job JOIN job_row AS x"
            "  ON x.job_id = job.id WHERE job.plan_id = r.plan_id AND x.row = r.row"
            "  AND job.status IN ('queued', 'sending', 'unknown')) AS open FROM plan_row AS r"
            " WHERE open <> (r.status IN ('queued', 'unknown'))"
        ).fetchall()
        assert wrong == [], "a row is open exactly when one unfinished job carries it"
        keys = self.db.execute(
            "SELECT key, count(*) FROM job_key JOIN job ON job.id = job_id"
            " WHERE job.status = 'sending' GROUP BY key HAVING count(*) > 1"
        ).fetchall()
        assert keys == [], "one call per key at a time"
        stray = self.db.execute(
            "SELECT count(*) FROM job_key JOIN job ON job.id = job_id"
            " WHERE job.status NOT IN ('queued', 'sending', 'unknown')"
        ).fetchone()[0]
        assert stray == 0, "ended jobs hold no key"

    @invariant()
    def nothing_is_counted_twice(self):
        if hasattr(self, "wecom"):
            assert all(count == 1 for count in self.wecom.counted.values())

    def teardown(self):
        if hasattr(self, "db"):
            try:
                self.settle_everything()
            finally:
                self.impatience.stop()
                self.db.close()
                self.folder.cleanup()

    def settle_everything(self):
        self.wecom.trouble = []
        for name in self.names:
            self.attempt(control.pause, self.ledger, name, resume=True)
        self.worker().run()
        left = self.db.execute(
            "SELECT plan_row.status, count(*) FROM plan_row JOIN plan ON plan.id = plan_id"
            " WHERE plan.status = 'applied' GROUP BY plan_row.status"
        ).fetchall()
        assert {status for status, _count in left} <= {
            "done", "failed", "blocked", "cancelled", "undone", "vanished",
        }  # fmt: skip
        mirror = {
            (follow.userid, follow.external_userid): tags
            for follows in relations.of_customers(self.db, range(1, len(CUSTOMERS) + 1))
            for follow in follows
            for tags in relations.tags_of(self.db, [follow.follow_id]).values()
        }
        assert mirror == self.wecom.tags, "mirror and WeCom are equal"
        proof = verify(self.db, self.ledger.journal)
        assert proof.whole, proof.findings
        assert proof.unsealed == 0
        results = set(
            self.db.execute("SELECT plan, row FROM journal WHERE kind = 'row.answer'").fetchall()
        )
        final = self.db.execute(
            "SELECT plan.name, row FROM plan_row JOIN plan ON plan.id = plan_id"
            " WHERE plan_row.status IN ('done', 'failed', 'undone', 'vanished')"
        ).fetchall()
        assert set(final) <= results, "no answer without a line in the journal"


Ledgers.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestLedgers = Ledgers.TestCase
