"""The drill of wrong answers: every kind of write through real jobs, each with every wrong answer.

A case begins with the same chain and the same synced profile: a plan is applied while its API
answers wrongly, and, in every other case, while the reads that could tell what happened do not
answer either. Then what is unknown is asked about, what waits is watched, and every row must have
ended as the sandbox's own record says.
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from storeops import retrying
from storeops.app import App
from storeops.changes import apply, control, plans, row_results
from storeops.changes.follow_requests import FollowRequest, select_follows
from storeops.changes.plans import Plan
from storeops.changes.row_results import Result
from storeops.changes.verify import verify
from storeops.domains.handover.planner import plan_handover
from storeops.domains.handover.request import HandoverRequest
from storeops.domains.handover.watch import watch
from storeops.domains.remarks.remark_plan import plan_remarks
from storeops.domains.tags.tag_library_plan import add_tags
from storeops.domains.tags.tag_plan import plan_tags
from storeops.reading.customers import Selection
from storeops.retrying import Waits
from storeops.sandbox.local import SandboxHandle
from storeops.sync.run import run_sync
from storeops.wecom import server
from tests.chaos.changes import open_home
from tests.chaos.truth import compare

MOST = 6  # sends of a row that a wrong answer may cost
ROWS = 3
DAY = 86_400
SEEN = {"carried_out": True}
BODY = ("html", "foreign_json", "empty_object", "null_body", "empty_body")

# what WeCom's answer is replaced by; the last ones spoil rows of the answer itself
WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    **{kind: (kind, {}) for kind in BODY},
    **{f"{kind}, carried out": (kind, SEEN) for kind in BODY},
    "502": ("status", {"status": 502}),
    "502, carried out": ("status", {"status": 502, **SEEN}),
    "404": ("status", {"status": 404}),
    "cut": ("cut", {}),
    "lost": ("lost", {}),
    "truncate": ("truncate", {}),
    "truncated_json": ("truncated_json", {}),
    "no_errcode": ("no_errcode", {}),
    "errcode_as_text": ("errcode_as_text", {}),
    "errcode null": ("null_field", {"field": "errcode", "every": True}),
    "errcode absent": ("missing_field", {"field": "errcode", "every": True}),
    "errcode text": ("number_as_text", {"field": "errcode", "every": True}),
    "byte_order_mark": ("byte_order_mark", {}),
    "list null": ("null_field", {"field": "LIST"}),
    "list absent": ("missing_field", {"field": "LIST"}),
    "ids null": ("null_field", {"field": "ID"}),
    "ids absent": ("missing_field", {"field": "ID"}),
    "ids cut": ("half_surrogate", {"field": "ID"}),
    "ids numbers": ("text_as_number", {"field": "ID"}),
}


@dataclass(frozen=True)
class Write:
    """A kind of write.

    Attributes:
        plan: makes a plan of some rows.
        happened: whether a row's change is in the sandbox.
        reads: the paths that tell what became of it.
        rows: (list of its answer, id in its rows), "" when there is none.
    """

    plan: Callable[[Case], Plan]
    happened: Callable[[SandboxHandle, Result], bool]
    reads: str
    rows: tuple[str, str] = ("", "")


@dataclass
class Case:
    """One case and what it found.

    Attributes:
        path: the write API.
        name: key of `WRONG`.
        away: whether the reads were away as well.
        sends: calls of the API.
        ends: rows per status when all was over.
        unknown: rows that stayed unknown while nobody could be asked.
        problems: what must not be.
    """

    app: App
    sandbox: SandboxHandle
    path: str
    name: str
    away: bool
    dice: random.Random
    sends: int = 0
    unknown: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def selected(self) -> Any:
        """A few relations, drawn."""
        request = FollowRequest(Selection(where="status:active"), follows="all")
        found = select_follows(self.app.data, request, self.app.clock.now())
        self.dice.shuffle(found.relations)
        del found.relations[ROWS:]
        return found

    def run(self) -> None:
        """The whole case."""
        app, sandbox, write = self.app, self.sandbox, WRITES[self.path]
        server.api_domain_ips(app.client)
        plan = write.plan(self)
        assert plan.ready, self.path
        apply.apply(app.ledger, plan.name)
        sandbox.control.reset_calls()
        kind, how = WRONG[self.name]
        named = {"LIST": write.rows[0], "ID": write.rows[1]}
        how = {**how, "field": named.get(how.get("field", ""), how.get("field"))}
        sandbox.control.fault(kind, self.path, **how, **self._often())
        if self.away:
            sandbox.control.fault("html", write.reads)
        app.worker().run(plan_id=plan.id, seconds=60)
        self._look(plan, "while it lasts")
        self.unknown = plans.row_counts(app.data, plan.id).get("unknown", 0)
        sandbox.control.clear_faults()
        control.pause(app.ledger, plan.name, resume=True)
        app.worker().run(plan_id=plan.id, seconds=60)
        self._record_result(plan)
        self._look(plan, "at the end", over=True)
        self.sends = sandbox.control.calls()["paths"].get(self.path, {"calls": 0})["calls"]
        jobs = (
            plan.calls
            + app.data.execute(  # a call of which a part is sent again is two jobs
                "SELECT count(*) FROM job WHERE plan_id = ?", (plan.id,)
            ).fetchone()[0]
        )
        if self.sends > MOST * jobs or self._most(plan) > MOST:
            self.problems.append(f"{self.sends} sends of {jobs} calls, {self._most(plan)} of a row")
        self.problems += [each.message for each in verify(app.data, app.ledger.journal).findings]
        run_sync(app)
        if differences := compare(app.data, sandbox.control):
            self.problems.append(f"the mirror differs: {differences}")

    def _often(self) -> dict[str, int]:
        first = self.dice.choice([1, 2, 5, None])
        return {} if first is None else {"first": first}

    def _most(self, plan: Plan) -> int:
        most: int = self.app.data.execute(
            "SELECT max(attempts) FROM job WHERE plan_id = ?", (plan.id,)
        ).fetchone()[0]
        return most

    def _record_result(self, plan: Plan) -> None:
        for _each in range(3):
            if not plans.row_counts(self.app.data, plan.id).get("waiting"):
                return
            self.sandbox.control.advance(DAY + 700)
            server.api_domain_ips(self.app.client)
            watch(self.app.ledger, self.app.client)

    def _look(self, plan: Plan, when: str, *, over: bool = False) -> None:
        """No row is called what it is not."""
        for row in row_results.results(self.app.data, plan.id):
            truly = WRITES[self.path].happened(self.sandbox, row)
            wrong = {"done": not truly, "failed": truly and row.errcode is None}
            if wrong.get(row.status):
                self.problems.append(f"row {row.row} is {row.status} {when}, truly {truly}")
            if over:
                self.ends[row.status] += 1
                if row.status in ("queued", "unknown", "waiting"):
                    self.problems.append(f"row {row.row} never ended: {row.status}")


# -- the kinds of writes --------------------------------------------------------------------------


def _tags(case: Case) -> Plan:
    ids = [row[0] for row in case.app.data.execute("SELECT tag_id FROM tag WHERE kind = 1")]
    add, remove = case.dice.sample(ids, 2)
    return plan_tags(case.app.ledger, case.selected(), add=[add], remove=[remove])


def _tagged(sandbox: SandboxHandle, row: Result) -> bool:
    tags = set(_follow(sandbox, row.userid, row.external_userid)["tag_id"])
    return tags >= set(row.extra["add"]) and not tags & set(row.extra["remove"])


def _remarks(case: Case) -> Plan:
    text = f"r{case.dice.randrange(10**9)}"
    return plan_remarks(case.app.ledger, case.selected(), {"description": text})


def _remarked(sandbox: SandboxHandle, row: Result) -> bool:
    found = _follow(sandbox, row.userid, row.external_userid)["description"]
    return bool(found == row.after["description"])


def _new_tags(case: Case) -> Plan:
    names = [f"n{case.dice.randrange(10**9)}" for _each in range(ROWS)]
    return add_tags(case.app.ledger, names[0], names, new_group=True)


def _made(sandbox: SandboxHandle, row: Result) -> bool:
    names = [each["name"] for each in sandbox.control.export("tags")]
    return set(row.after["tags"]) <= set(names)


def _customers(case: Case, status: str) -> Plan:
    """Some customers of the first who has enough, to somebody else."""
    for from_owner in _people(case, status):
        to_owner = next(each for each in _people(case, "active") if each != from_owner)
        theirs = [
            f"id:{row[0]}"
            for row in case.app.data.execute(
                "SELECT c.external_userid FROM follow AS f JOIN customer AS c"
                " ON c.id = f.customer_id JOIN staff AS s ON s.id = f.staff_id AND s.userid = ?"
                " WHERE f.status IN ('active', 'unassigned') AND NOT EXISTS (SELECT 1 FROM follow"
                "  AS g JOIN staff AS t ON t.id = g.staff_id AND t.userid = ?"
                "  WHERE g.customer_id = f.customer_id) ORDER BY 1",
                (from_owner, to_owner),
            )
        ]
        if len(theirs) >= ROWS:
            where = " or ".join(case.dice.sample(theirs, ROWS))
            request = HandoverRequest(
                from_owners=[from_owner],
                to_owners=[to_owner],
                selection=Selection(where=where),
                groups=False,
            )
            return plan_handover(case.app.ledger, request).plan
    raise AssertionError("nobody has customers to hand over")


def _moved(sandbox: SandboxHandle, row: Result) -> bool:
    found = [
        each["outcome"]
        for each in sandbox.control.export("handovers")
        if each["external_userid"] == row.external_userid
        and each["handover_userid"] == row.userid
        and each["takeover_userid"] == row.extra["to"]
    ]
    assert len(found) <= 1, "handed over twice"
    return bool(found) and (row.status != "done" or found == ["done"])


def _groups(case: Case, status: str) -> Plan:
    for from_owner in _people(case, status):
        chats = case.app.data.execute(
            "SELECT chat_id FROM group_chat WHERE owner_userid = ? AND status <> 'dissolved'",
            (from_owner,),
        ).fetchall()
        if len(chats) < 2:
            continue
        to_owner = next(each for each in _people(case, "active") if each != from_owner)
        request = HandoverRequest(
            from_owners=[from_owner], to_owners=[to_owner], customers=False, groups=True
        )
        plan = plan_handover(case.app.ledger, request).plan
        case.sandbox.control.act("group_dissolve", chat_id=chats[0][0])  # one that is refused
        return plan
    raise AssertionError("nobody has groups to hand over")


def _owned(sandbox: SandboxHandle, row: Result) -> bool:
    for each in sandbox.control.export("groups"):
        if each["chat_id"] == row.extra["chat_id"]:
            return bool(each["owner"] == row.extra["to"])
    return False


def _people(case: Case, status: str) -> list[str]:
    rows = case.app.data.execute(
        "SELECT s.userid FROM staff AS s JOIN follow AS f ON f.staff_id = s.id"
        " WHERE s.status = ? AND (s.is_follow_user = 1 OR s.status = 'left')"
        " GROUP BY s.id ORDER BY count(*) DESC",
        (status,),
    )
    return [row[0] for row in rows]


def _follow(sandbox: SandboxHandle, userid: str, external_userid: str) -> Mapping[str, Any]:
    return next(
        each
        for each in sandbox.control.export("follows")
        if (each["userid"], each["external_userid"]) == (userid, external_userid)
    )


_GET = "externalcontact/get"
_CHATS = "externalcontact/groupchat/[gl]*"
WRITES: dict[str, Write] = {
    "externalcontact/mark_tag": Write(_tags, _tagged, _GET),
    "externalcontact/remark": Write(_remarks, _remarked, _GET),
    "externalcontact/add_corp_tag": Write(
        _new_tags, _made, "externalcontact/get_corp_tag_list", ("tag_group", "id")
    ),
    "externalcontact/transfer_customer": Write(
        lambda case: _customers(case, "active"), _moved, "externalcontact/transfer_result",
        ("customer", "external_userid"),
    ),
    "externalcontact/resigned/transfer_customer": Write(
        lambda case: _customers(case, "left"), _moved,
        "externalcontact/resigned/transfer_result", ("customer", "external_userid"),
    ),
    "externalcontact/groupchat/onjob_transfer": Write(
        lambda case: _groups(case, "active"), _owned, _CHATS, ("failed_chat_list", "chat_id")
    ),
    "externalcontact/groupchat/transfer": Write(
        lambda case: _groups(case, "left"), _owned, _CHATS, ("failed_chat_list", "chat_id")
    ),
}  # fmt: skip


class Bench:
    """A chain and a synced profile that every case begins with.

    Args:
        sandbox: small, begun anew for every case.
        folder: of homes.
    """

    def __init__(self, sandbox: SandboxHandle, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        sandbox.control.call("POST", "handover/friends_again")
        present = {m["userid"] for m in sandbox.control.export("staff") if not m["left_at"]}
        chats = [each for each in sandbox.control.export("groups") if each["owner"] in present]
        from_owner, leaver = (each["owner"] for each in chats[:2])
        for number, chat in enumerate(chats[:6]):  # three each
            owner = (from_owner, leaver)[number % 2]
            sandbox.control.act("group_owner", chat_id=chat["chat_id"], userid=owner)
        sandbox.control.act("staff_leave", userid=leaver)
        open_home(sandbox, folder / "first").close()
        self.state = sandbox.control.saved()

    @contextmanager
    def case(self, path: str, name: str, away: bool, seed: int) -> Iterator[Case]:
        """One case, begun from the first state."""
        self.sandbox.control.load(self.state)
        self.sandbox.control.clear_faults()
        home = self.folder / "case"
        shutil.copytree(self.folder / "first", home)
        os.environ["STOREOPS_HOME"] = str(home)
        app = App.open("chaos")
        try:
            yield Case(app, self.sandbox, path, name, away, random.Random(f"{seed}{path}{name}"))
        finally:
            app.close()
            shutil.rmtree(home)


@contextmanager
def impatient() -> Iterator[None]:
    """Waits of the policy pass at once; its tries are those of the policy."""
    short = {"JOB": 0.05, "READ_BACK": 0.05, "CALL": 0.01}
    with mock.patch.multiple(
        retrying,
        **{
            name: Waits(getattr(retrying, name).tries, 0.01, longest)
            for name, longest in short.items()
        },
    ):
        yield


def drill(bench: Bench, path: str, names: list[str], seed: int) -> list[Case]:
    """Wrong answers to one kind of write, by name; every other one while reads are away."""
    found = []
    with impatient():
        for number, name in enumerate(names):
            with bench.case(path, name, (number + seed) % 2 == 1, seed) as case:
                case.run()
            found.append(case)
    return found


def applies(path: str, name: str) -> bool:
    """Whether an answer of this API has what is spoilt."""
    return WRONG[name][1].get("field") not in ("LIST", "ID") or bool(WRITES[path].rows[0])
