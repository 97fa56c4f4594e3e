"""What a back office asks for: sent, planned anew, decided, carried out; and turned away."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from typing import Any

import pytest

from storeops.changes import control, plans
from storeops.changes.apply import apply
from storeops.database.trouble import explain
from storeops.errors import ConflictError, StoreOpsError
from storeops.hub import asking, attempts, deciding, following, requests, retention, rights
from storeops.hub.credentials import new_key
from tests.conftest import Cli
from tests.hub.conftest import CODES, Chain
from tests.hub.test_rights import inside, refused_entry, said, soon

MINE, OTHER = CODES
OFFICE = ("--profile", "office")
SHOP = ("--profile", f"shop-{MINE}")


@pytest.fixture(autouse=True)
def _settled(chain: Chain) -> None:
    chain.settle()


def follow(chain: Chain, code: str = MINE) -> None:
    following.follow(chain.backs[code], once=True)


def until(true: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def sent(chain: Chain) -> int:
    """Calls that WeCom got for tags."""
    paths = chain.sandbox.control.calls()["paths"]
    return paths.get("externalcontact/mark_tag", {"calls": 0})["calls"]


def new_plan(chain: Chain, cli: Cli, rows: int, name: str) -> dict[str, Any]:
    """A plan of the shop: a tag that `rows` of its follows do not have yet."""
    back = chain.backs[MINE].data
    (tag,) = back.execute(
        "SELECT t.tag_id FROM tag AS t WHERE t.deleted_at IS NULL AND"
        " (SELECT count(*) FROM follow WHERE status = 'active' AND id NOT IN"
        "  (SELECT follow_id FROM follow_tag WHERE tag_id = t.id)) >= ? ORDER BY t.id LIMIT 1",
        (rows,),
    ).fetchone()
    pairs = back.execute(
        "SELECT c.external_userid, s.userid FROM follow AS f JOIN customer AS c ON c.id ="
        " f.customer_id JOIN staff AS s ON s.id = f.staff_id WHERE f.status = 'active'"
        " AND f.id NOT IN (SELECT follow_tag.follow_id FROM follow_tag JOIN tag"
        "  ON tag.id = follow_tag.tag_id WHERE tag.tag_id = ?) ORDER BY f.id LIMIT ?",
        (tag, rows),
    ).fetchall()
    path = chain.home / f"{name}.csv"
    path.write_text(
        "external_userid,userid\n" + "".join(f"{who},{staff}\n" for who, staff in pairs)
    )
    made = cli(*SHOP, "tag", "plan", "--add", tag, "--file", str(path), "--json")
    assert made.code == 0, made
    assert made.json["ready"] == rows
    return made.json


def test_a_request_is_asked_approved_and_carried_out(
    chain: Chain, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = new_plan(chain, cli, 25, "many")
    before = sent(chain)
    asked = cli(*SHOP, "plan", "apply", plan["plan_id"], "--yes", "--json")
    assert asked.code == 0, asked
    assert (asked.json["status"], asked.json["rows"], asked.json["sent"]) == (
        "asked", {"asked": 25}, True,
    )  # fmt: skip
    again = cli(*SHOP, "plan", "apply", plan["plan_id"], "--yes", "--json")
    assert again.code == 9
    until(lambda: cli(*OFFICE, "hub", "requests", "list", "--json").json["items"][0]["plan_id"])
    listed = cli(*OFFICE, "hub", "requests", "list", "--json").json
    (item,) = listed["items"]
    assert item.keys() == {
        "request_id", "store_code", "by", "kind", "rows", "status", "plan_id", "at", "reason",
    }  # fmt: skip
    assert (item["store_code"], item["kind"], item["rows"], item["status"]) == (
        MINE, "tag", 25, "asked",
    )  # fmt: skip
    assert "wait for approval" in item["reason"]
    shown: dict[str, Any] = {}

    def told(status: str, why: str = "") -> bool:
        follow(chain)
        shown.update(cli(*SHOP, "plan", "show", plan["plan_id"], "--all", "--json").json)
        return shown["status"] == status and why in shown["paused_why"]

    until(lambda: told("asked", "wait for approval"))
    assert shown["by_status"] == {"asked": 25}
    done = cli(*OFFICE, "hub", "requests", "approve", item["request_id"], "--json")
    assert (done.code, done.json["status"]) == (0, "approved"), done
    assert cli(*OFFICE, "hub", "requests", "approve", item["request_id"]).code == 9

    until(lambda: told("done"))
    assert shown["by_status"] == {"done": 25}
    jobs = cli(*SHOP, "job", "list", "--json", "--all").json["items"]
    assert {each["status"] for each in jobs} == {"succeeded"}
    assert len(jobs) == 25
    calls = sent(chain)
    assert calls - before == 25
    who = cli(*OFFICE, "plan", "show", item["plan_id"], "--json").json
    assert who["created_by"] == who["applied_by"] == f"{MINE}/{item['by']}"
    for profile in (OFFICE, SHOP):
        assert cli(*profile, "audit", "verify").code == 0
    kinds = [
        each["kind"] for each in cli(*OFFICE, "audit", "list", "--all", "--json").json["items"]
    ]
    assert "plan.requested" in kinds
    assert "plan.approved" in kinds
    # and back, by a plan that names what it puts back
    undo = cli(*SHOP, "plan", "undo", plan["plan_id"], "--json").json
    assert cli(*SHOP, "plan", "apply", undo["plan_id"], "--yes").code == 0
    until(lambda: requests.waiting(chain.office.data) == 1)
    until(lambda: requests.listing(chain.office.data)[0].plan_id)
    newest = requests.listing(chain.office.data)[0]
    deciding.approve(chain.office, newest)

    until(lambda: told("undone"))
    # head office takes out what is old, or sends everything anew: what was done stays done
    back = chain.backs[MINE]
    lines = cli(*SHOP, "audit", "list", "--all", "--json").json["items"]
    with back.data.atomic() as connection:
        for table in ("elsewhere_plan", "elsewhere_row", "elsewhere_job", "elsewhere_job_row"):
            connection.execute(f"DELETE FROM {table}")
        asking.came(connection)
    assert asking.settle(back) == 0
    assert cli(*SHOP, "plan", "show", plan["plan_id"], "--json").json["status"] == "undone"
    assert cli(*SHOP, "audit", "list", "--all", "--json").json["items"] == lines
    monkeypatch.setattr("storeops.changes.elsewhere.settle", None)  # nothing new is nothing to do
    assert asking.settle(back) == 0
    with back.data.atomic() as connection:
        connection.execute("UPDATE plan SET status = 'refused' WHERE name = ?", (plan["plan_id"],))
    refused = cli(*SHOP, "plan", "cancel", plan["plan_id"], "--json")
    assert "nothing left to cancel" in refused.error["message"]  # nobody carries it out
    # and with the plans go the requests
    for app, table in ((chain.office, "hub_request"), (back, "hub_asked")):
        with app.data.atomic() as connection:
            made = connection.execute(f"SELECT plan_id FROM {table}").fetchall()
            retention.prune(connection, [each for (each,) in made])
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
            connection.execute("ROLLBACK")
            connection.execute("BEGIN")


def test_what_is_decided_is_true_at_the_moment_it_is(
    chain: Chain, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A customer that left the shop is not written; what is under way is not called refused; what
    ails head office refuses nobody."""
    mine, data = chain.files[MINE], chain.office.data
    row = own_row(chain, chain.departments[0])
    chain.rest()
    deciding.set_rules(data, mine.store, {"approve_above": 0})

    def asked(name: str) -> requests.HubRequest:
        message = forged(chain, MINE, body={"request_id": name, "rows": [row]})
        assert requests.receive(chain.office.ledger, mine.store, message) == {"taken": "new"}
        return requests.find(data, name)

    def move(department: int) -> None:
        with data.atomic() as connection:
            connection.execute(
                "UPDATE follow SET store_id = ? WHERE id = (SELECT f.id FROM follow AS f"
                " JOIN customer AS c ON c.id = f.customer_id JOIN staff AS s ON s.id = f.staff_id"
                " WHERE c.external_userid = ? AND s.userid = ?)",
                (department, row[2], row[3]),
            )

    def trouble(*_how: Any) -> None:
        raise explain(sqlite3.OperationalError("disk I/O error"), data.path) from (
            sqlite3.OperationalError()
        )

    try:
        first = asked("tag-MMMMMM-00000001")
        with monkeypatch.context() as broken:
            broken.setattr(deciding, "not_of_shop", trouble)
            with pytest.raises(StoreOpsError):
                deciding.go_on(chain.office)
        assert requests.by_id(data, first.id).status == "taken"
        deciding.go_on(chain.office)
        first = requests.by_id(data, first.id)
        assert first.status == "asked"
        move(chain.departments[1])
        gone = cli(*OFFICE, "hub", "requests", "approve", first.request_id, "--json")
        assert (gone.code, requests.by_id(data, first.id).status) == (9, "asked"), gone
        assert "of this shop any more" in gone.error["message"]
        move(chain.departments[0])
        apply(chain.office.ledger, str(first.plan_id))  # by hand, past the request
        late = cli(*OFFICE, "hub", "requests", "refuse", first.request_id, "--why", "x", "--json")
        assert (late.code, requests.by_id(data, first.id).status) == (9, "asked"), late
        assert cli(*OFFICE, "hub", "requests", "approve", first.request_id).code == 0
        # two shops may call theirs alike: head office's plans tell them apart
        with data.atomic() as connection:
            connection.execute(
                "INSERT INTO hub_request (store, request_id, digest, asked_by, machine, kind, rows,"
                " asked_at, at, status) VALUES (0, ?, x'', '', '', 'tag', 1, 0, 0, 'refused')",
                (first.request_id,),
            )
        both = cli(*OFFICE, "hub", "requests", "show", first.request_id)
        assert (both.code, str(first.plan_id) in both.err) == (2, True), both
        assert cli(*OFFICE, "hub", "requests", "show", str(first.plan_id)).code == 0
        # as it was read before somebody else decided
        with pytest.raises(ConflictError):
            deciding.refuse(chain.office, first, "x")
        control.cancel_plan(chain.office.ledger, str(first.plan_id))
    finally:
        deciding.set_rules(data, mine.store, {}, anew=True)
        chain.serve()


def test_what_a_shop_sends_is_bounded_and_always_answered(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, ledger = chain.files[MINE], chain.office.ledger
    row = own_row(chain, chain.departments[0])
    for number, body in enumerate(
        ({"asked_at": float("nan")}, {"asked_at": time.time() + 9e5}, {"by": "\ud800"},
         {"asked_at": 10**400}, {"asked_at": float("-inf")}, {"request_id": "tag-$(x)"})
    ):  # fmt: skip
        body = {"request_id": f"tag-BBBBBB-0000000{number}", "rows": [row], **body}
        assert requests.receive(ledger, mine.store, forged(chain, MINE, body=body)).keys() == {
            "refused"
        }, body
    head = b'{"v": 1, "store": 1, "parts": Infinity, "part": 0, "request_id": "xyz"}\n\n'
    assert requests.receive(ledger, mine.store, head).keys() == {"refused"}
    monkeypatch.setattr(requests, "MOST_PARTS", 3)
    for number in range(6):
        whole = asking.messages(mine, f"tag-{number}", b"x" * (asking.PART_BYTES + 1))
        assert requests.receive(ledger, mine.store, next(whole)) == {"more": 1}
    (kept,) = chain.office.data.execute("SELECT count(*) FROM hub_request_part").fetchone()
    assert 0 < kept <= requests.MOST_PARTS
    monkeypatch.setattr(requests, "MOST_DAY", 0)
    often = forged(chain, MINE, body={"request_id": "tag-BBBBBB-00000009", "rows": [row]})
    assert "too often" in requests.receive(ledger, mine.store, often)["refused"]


def test_a_request_waits_while_head_office_is_away(chain: Chain, cli: Cli) -> None:
    plan = new_plan(chain, cli, 2, "few")
    chain.rest()
    try:
        asked = cli(*SHOP, "plan", "apply", plan["plan_id"], "--yes", "--json")
        assert (asked.code, asked.json["sent"], asked.json["status"]) == (0, False, "asked")
        assert "waits here" in asked.err
        assert cli(*SHOP, "hub", "status", "--json").json["requests"] == 1
        for words in (("plan", "pause"), ("job", "retry")):
            assert cli(*SHOP, *words, plan["plan_id"]).code in (9, 11), words
        # what head office never had is taken back without it
        never = new_plan(chain, cli, 1, "never")
        assert cli(*SHOP, "plan", "apply", never["plan_id"], "--yes", "--wait", "1s").code == 69
        gone = cli(*SHOP, "plan", "cancel", never["plan_id"], "--json")
        assert (gone.code, gone.json["rows"]) == (0, 1), gone
        assert cli(*SHOP, "plan", "show", never["plan_id"], "--json").json["status"] == "cancelled"
    finally:
        chain.serve()
    sent = cli(*SHOP, "hub", "follow", "--once", "--json")
    assert sent.json["asked"] == 1
    assert cli(*SHOP, "hub", "status", "--json").json["requests"] == 0
    # few rows need nobody's approval
    until(lambda: requests.listing(chain.office.data)[0].status == "approved")

    def done() -> bool:
        follow(chain)
        return cli(*SHOP, "plan", "show", plan["plan_id"], "--json").json["status"] == "done"

    until(done)
    here = requests.listing(chain.office.data)
    assert not [each for each in here if each.request_id.startswith(never["plan_id"])]
    assert len([each for each in here if each.request_id.startswith(plan["plan_id"])]) == 1
    # the mirror here learns it as any other change
    tags = cli(*SHOP, "plan", "results", plan["plan_id"], "--json").json["items"]
    assert [each["status"] for each in tags] == ["done", "done"]


def test_a_shop_takes_back_what_is_not_decided_and_waits_for_the_rest(
    chain: Chain, cli: Cli
) -> None:
    data = chain.office.data
    many = new_plan(chain, cli, 25, "back")["plan_id"]
    asked = cli(*SHOP, "plan", "apply", many, "--yes", "--wait", "1s", "--json")
    assert asked.code == 69, asked
    assert "has not decided" in asked.error["message"]
    until(lambda: requests.listing(data)[0].plan_id)
    request = requests.listing(data)[0]
    chain.rest()
    try:  # the wish is kept, and said
        away = cli(*SHOP, "plan", "cancel", many, "--reason", "a slip", "--json")
        assert away.code == 8, away
        assert "may be carried out" in away.error["message"]
        assert cli(*SHOP, "plan", "show", many, "--json").json["status"] == "asked"
    finally:
        chain.serve()
    follow(chain)
    shown = cli(*SHOP, "plan", "show", many, "--json").json
    assert (shown["status"], shown["by_status"]) == ("cancelled", {"cancelled": 25})
    there = cli(*OFFICE, "hub", "requests", "list", "--json").json["items"][0]
    assert (there["status"], there["reason"]) == ("withdrawn", "a slip")
    late = cli(*OFFICE, "hub", "requests", "approve", request.request_id, "--json")
    assert (late.code, "taken back" in late.error["message"]) == (9, True)
    assert cli(*OFFICE, "plan", "show", request.plan_id, "--json").json["status"] == "cancelled"
    chain.settle()  # head office's own word of it changes nothing
    assert cli(*SHOP, "plan", "show", many, "--json").json["by_status"] == {"cancelled": 25}
    # with a line it is taken back at once; what is decided is not
    once = new_plan(chain, cli, 21, "once")["plan_id"]
    assert cli(*SHOP, "plan", "apply", once, "--yes").code == 0
    assert cli(*SHOP, "plan", "cancel", once, "--json").json["rows"] == 21
    few = new_plan(chain, cli, 2, "soon")["plan_id"]
    assert cli(*SHOP, "plan", "apply", few, "--yes").code == 0
    until(lambda: requests.listing(data)[0].status == "approved")
    refused = cli(*SHOP, "plan", "cancel", few, "--json")
    assert (refused.code, "decided" in refused.error["message"]) == (9, True), refused
    # a revoked shop's, a stranger's and an unknown one are not taken back
    mine = chain.files[MINE]
    wrong = asking.withdrawal(replace(mine, seed=new_key("user").seed), "x", "", "")
    assert requests.receive(chain.office.ledger, mine.store, wrong).keys() == {"refused"}
    unknown = asking.withdrawal(mine, "tag-unknown", "", "")
    assert requests.receive(chain.office.ledger, mine.store, unknown) == {"unknown": True}
    done = cli(*SHOP, "plan", "apply", new_plan(chain, cli, 2, "now")["plan_id"], "--yes",
               "--wait", "30s", "--json")  # fmt: skip
    assert (done.code, done.json["status"], done.json["rows"]) == (0, "done", {"done": 2}), done
    for profile in (OFFICE, SHOP):
        proof = cli(*profile, "audit", "verify", "--json")
        assert many not in proof.out, proof


def forged(chain: Chain, code: str, **how: Any) -> bytes:
    """One message as a stranger might write it, with `how` it differs."""
    join = how.pop("join", chain.files[code])
    body = {
        "v": 1, "request_id": how.get("name", "tag-AAAAAA-11111111"), "kind": "tag", "title": "",
        "params": {}, "reason": "", "by": "nobody", "machine": "m", "asked_at": time.time(),
        "skip_changed": False, "undoes": None, "rows": [], **how.pop("body", {}),
    }  # fmt: skip
    data = zlib.compress(json.dumps(body).encode())
    (message,) = asking.messages(join, body["request_id"], data)
    return message


def asked_by_stranger(chain: Chain, message: bytes, code: str = MINE) -> dict[str, Any]:
    """The answer to a message that somebody sends with a shop's credentials, by no code of ours."""

    async def work(client: Any, _heard: list[str]) -> Any:
        join = chain.files[code]
        reply = await client.request(rights.ask_subject(join.store), message, 10)
        return json.loads(reply.data)

    return inside(chain.files[code], work)


def test_what_is_not_the_shops_is_turned_away_and_told(chain: Chain, cli: Cli) -> None:
    mine, other = chain.files[MINE], chain.files[OTHER]
    row = own_row(chain, chain.departments[0])
    foreign = own_row(chain, chain.departments[1])
    before = sent(chain)
    plans_before = chain.office.data.execute("SELECT count(*) FROM plan").fetchone()
    # signed by another key, though sent by the shop; in another's name; no request at all
    stranger = replace(mine, seed=new_key("user").seed)
    for message, what in (
        (forged(chain, MINE, join=stranger), "forged"),
        (forged(chain, MINE, join=replace(mine, seed=other.seed)), "forged"),
        (forged(chain, MINE, join=replace(mine, store=other.store)), "another_shop"),
        (b"\xff\x00", "unreadable"),
        (b"{}\n\n", "unreadable"),
    ):
        assert asked_by_stranger(chain, message).keys() == {"refused"}, what
        assert what in {each.what for each in attempts.recent(chain.office.data, time.time())}
    # another shop's customer, a kind that is not allowed, odd rows
    cases = {
        "tag-AAAAAA-00000001": ({"rows": [foreign]}, "not_its_own"),
        "tag-AAAAAA-00000002": ({"rows": [row, [2, "", *foreign[2:4], {}, {}, {}]]}, "not_its_own"),
        "tag-AAAAAA-00000004": ({"kind": "notify", "rows": [row]}, "kind"),
        "tag-AAAAAA-00000005": ({"rows": [[*row[:6], {"add": [{}], "remove": 1}]]}, "unreadable"),
        "tag-AAAAAA-00000006": (
            {"kind": "remark", "rows": [[*row[:5], {"x": 1}, {}]]},
            "unreadable",
        ),
        "tag-AAAAAA-00000007": ({"rows": [row], "asked_at": time.time() - 9e5}, ""),
        "tag-AAAAAA-00000008": ({"rows": [row] * 2001}, ""),
    }
    for name, (body, _what) in cases.items():
        taken = asked_by_stranger(chain, forged(chain, MINE, body={"request_id": name, **body}))
        assert taken == {"taken": "new"}, name
    for name, (_body, what) in cases.items():
        until(lambda name=name: requests.find(chain.office.data, name).status == "refused")
        assert requests.find(chain.office.data, name).reason
        if what:
            told = {each.what: each for each in attempts.recent(chain.office.data, time.time())}
            assert told[what].who == MINE
    # the same once more is the same; the same number with another content is not
    again = forged(chain, MINE, body={"request_id": name, "rows": [row]})
    assert asked_by_stranger(chain, again).keys() == {"refused"}
    assert "replayed" in {each.what for each in attempts.recent(chain.office.data, time.time())}
    # a revoked shop that the server still lets in is refused by head office
    with chain.office.data.atomic() as connection:
        connection.execute(
            "UPDATE hub_store SET status = 'revoked' WHERE department_id = ?", (other.store,)
        )
    assert asked_by_stranger(chain, forged(chain, OTHER), OTHER).keys() == {"refused"}
    with chain.office.data.atomic() as connection:
        connection.execute("UPDATE hub_store SET status = 'active'")

    # what the server refuses itself: another shop's subject, a key that it does not know
    async def trespass(client: Any, heard: list[str]) -> None:
        await client.publish(rights.ask_subject(other.store), forged(chain, MINE))
        await client.flush()
        assert await soon(lambda: said(heard, "publish"))

    inside(mine, trespass)
    assert refused_entry(replace(mine, seed=new_key("user").seed))

    def all_told() -> bool:
        told = {each.what for each in attempts.recent(chain.office.data, time.time())}
        return {"no_right", "not_let_in", "revoked"} <= told

    until(all_told)
    shown = cli(*OFFICE, "hub", "status", "--json").json["turned_away"]
    assert {each["what"]: each["who"] for each in shown}["no_right"] == MINE
    assert "Turned away" in cli(*OFFICE, "hub", "status").err
    cli(*OFFICE, "alert", "check")
    alarms = cli(*OFFICE, "alert", "list", "--json").json
    assert "hub_turned_away" in json.dumps(alarms)
    assert cli(*OFFICE, "audit", "verify").code == 0
    assert chain.office.data.execute("SELECT count(*) FROM plan").fetchone() == plans_before
    after = sent(chain)
    assert after == before


def own_row(chain: Chain, department: int) -> list[Any]:
    """A row about a follow of a shop, as a back office asks for it."""
    external, userid = chain.office.data.execute(
        "SELECT c.external_userid, s.userid FROM follow AS f JOIN customer AS c"
        " ON c.id = f.customer_id JOIN staff AS s ON s.id = f.staff_id WHERE f.store_id = ?"
        " AND f.status = 'active' AND NOT EXISTS (SELECT 1 FROM follow AS o WHERE"
        "  o.customer_id = f.customer_id AND o.store_id <> f.store_id) ORDER BY f.id DESC LIMIT 1",
        (department,),
    ).fetchone()
    (tag,) = chain.office.data.execute(
        "SELECT tag_id FROM tag WHERE deleted_at IS NULL ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return [1, "", external, userid, {"tags": []}, {"tags": [tag]}, {"add": [tag], "remove": []}]


KILLED = """
import json, os, sys
from contextlib import contextmanager
from storeops.app import App
from storeops.database.database import Database
from storeops.hub import deciding, requests

store, messages = int(sys.argv[1]), [bytes.fromhex(each) for each in sys.argv[2:]]
atomic, depth, left = Database.atomic, [0], [0]


@contextmanager
def counted(self):
    depth[0] += 1
    try:
        with atomic(self) as connection:
            yield connection
    finally:
        depth[0] -= 1
    if depth[0] == 0:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), 9)


def work(message):
    app = App.open("office")
    requests.receive(app.ledger, store, message)
    deciding.go_on(app)
    app.close()


died = 0
for number, message in enumerate(messages, start=1):
    child = os.fork()
    if child == 0:
        Database.atomic, left[0] = counted, number
        work(message)
        os._exit(0)
    died += os.waitpid(child, 0)[1] == 9
    work(message)  # the shop sends it again, and head office goes on
print(json.dumps(died))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_killed_after_each_commit_on_the_way(chain: Chain, cli: Cli) -> None:
    """Taken in, planned, decided, applied: wherever head office dies, nothing is lost or twice."""
    mine = chain.files[MINE]
    row = own_row(chain, chain.departments[0])
    names = [f"tag-KKKKKK-0000000{each}" for each in range(1, 8)]
    asked = [forged(chain, MINE, body={"request_id": name, "rows": [row]}) for name in names]
    chain.rest()
    try:
        run = subprocess.run(
            [sys.executable, "-c", KILLED, str(mine.store), *(each.hex() for each in asked)],
            capture_output=True, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        assert json.loads(run.stdout) >= 4, "it dies after taking in, planning, applying, sealing"
        for name in names:
            found = requests.find(chain.office.data, name)
            assert (found.status, found.applied) == ("approved", True), name
            assert plans.row_counts(chain.office.data, found.plan or 0) == {"queued": 1}
        made = chain.office.data.execute(
            "SELECT count(*), count(DISTINCT plan_id), count(DISTINCT request) FROM plan_asker"
            " WHERE request IN (SELECT id FROM hub_request WHERE request_id LIKE 'tag-KKKKKK-%')"
        ).fetchone()
        assert made == (7, 7, 7)
        jobs = chain.office.data.execute("SELECT count(*) FROM job WHERE status = 'queued'")
        assert jobs.fetchone() == (7,)
        assert cli(*OFFICE, "audit", "verify").code == 0
        for name in names:  # they are not to be sent while other tests look
            control.cancel_plan(chain.office.ledger, requests.find(chain.office.data, name).plan_id)
    finally:
        chain.serve()


def test_a_shop_hands_its_own_over_and_hears_how_each_ended(chain: Chain, cli: Cli) -> None:
    """Planned anew at head office, approved there; a day later each answer is here."""
    back, data = chain.backs[MINE], chain.office.data
    shop = chain.departments[0]
    giver, taker = (
        each[0]
        for each in back.data.execute(
            "SELECT s.userid FROM staff AS s JOIN follow AS f ON f.staff_id = s.id"
            " WHERE s.main_department = ? AND s.status = 'active' AND f.status = 'active'"
            " GROUP BY s.id ORDER BY count(*) DESC LIMIT 2",
            (shop,),
        )
    )
    theirs = data.execute(
        "SELECT userid FROM staff WHERE main_department = ? AND status = 'active' LIMIT 1",
        (chain.departments[1],),
    ).fetchone()[0]
    customers = [
        each[0]
        for each in back.data.execute(
            "SELECT c.external_userid FROM follow AS f JOIN customer AS c ON c.id = f.customer_id"
            " JOIN staff AS s ON s.id = f.staff_id WHERE s.userid = ? AND f.status = 'active'"
            " AND (SELECT count(*) FROM follow AS o WHERE o.customer_id = c.id) = 1"
            " AND c.id NOT IN (SELECT customer_id FROM hub_elsewhere) ORDER BY c.id LIMIT 3",
            (giver,),
        )
    ]
    path = chain.home / "move.csv"
    path.write_text("external_userid,userid\n" + "".join(f"{c},{giver}\n" for c in customers))
    made = cli(*SHOP, "handover", "plan", "--file", str(path), "--to", taker,
               "--message", "Bye from {from}", "--json")  # fmt: skip
    assert (made.code, made.json["ready"]) == (0, 3), made
    plan = made.json["plan_id"]
    assert cli(*SHOP, "plan", "apply", plan, "--yes").code == 0
    until(lambda: requests.listing(data)[0].plan_id)
    request = requests.listing(data)[0]
    assert (request.kind, request.status) == ("handover", "asked"), request
    shown = cli(*OFFICE, "hub", "requests", "show", request.request_id)
    assert "What customers will read: Bye from" in shown.err
    deciding.approve(chain.office, request)

    def stands(status: str) -> bool:
        follow(chain)
        return cli(*SHOP, "plan", "show", plan, "--json").json["by_status"] == {status: 3}

    until(lambda: stands("waiting"))
    assert "Bye from" in str(
        data.execute("SELECT params FROM plan WHERE name = ?", (request.plan_id,)).fetchone()
    )
    (waits,) = cli(*SHOP, "handover", "status", "--json").json["items"]
    assert (waits["rows"], waits["takeover_userid"]) == (3, taker)
    held = cli(*SHOP, "handover", "plan", "--file", str(path), "--to", taker, "--json")
    assert held.json["ready"] == 0, "what waits is not planned again here"

    # who left: everything of theirs, groups too, that nobody has yet
    leaver = data.execute(
        "SELECT s.userid FROM staff AS s JOIN follow AS f ON f.staff_id = s.id AND f.status ="
        " 'active' WHERE s.main_department = ? AND s.status = 'active' AND s.userid NOT IN (?, ?)"
        " GROUP BY s.id ORDER BY EXISTS (SELECT 1 FROM group_chat WHERE owner_userid = s.userid)"
        " DESC, count(*) LIMIT 1",
        (shop, giver, taker),
    ).fetchone()[0]
    chain.sandbox.control.act("staff_leave", userid=leaver)
    chain.sync()
    chain.settle()
    left = cli(*SHOP, "handover", "plan", "--from", leaver, "--to", taker, "--json").json
    assert left["ready"] == left["rows"] > 0
    assert cli(*SHOP, "plan", "apply", left["plan_id"], "--yes").code == 0
    until(lambda: requests.listing(data)[0].plan_id not in (None, request.plan_id))
    assert requests.listing(data)[0].reason, requests.listing(data)[0]
    deciding.approve(chain.office, requests.listing(data)[0])

    # what a shop may not hand over: to a stranger, or another shop's group
    mine = chain.files[MINE]
    row = own_row(chain, shop)[:4]
    to = {"what": "customer", "kind": "on_job", "to": theirs}
    group = {"what": "group", "kind": "on_job", "to": taker, "chat_id": "wrOther"}
    for number, (asked, what) in enumerate(
        (
            ([*row, {"status": "active"}, {}, to], "not_its_own"),
            ([1, "", "", theirs, {"owner": theirs}, {}, group], "not_its_own"),
            ([*row, {"status": "active"}, {}, {**to, "to": 7}], "not_its_own"),
            ([*row, {"status": "active"}, {}, {}], "unreadable"),
        )
    ):
        name = f"handover-AAAAAA-0000000{number}"
        body = {"request_id": name, "kind": "handover", "rows": [asked]}
        message = forged(chain, MINE, body=body)
        assert requests.receive(chain.office.ledger, mine.store, message) == {"taken": "new"}
        until(lambda name=name: requests.find(data, name).status == "refused")
        assert requests.find(data, name).plan is None, what

    chain.sandbox.control.advance(90_000)
    assert cli(*OFFICE, "handover", "watch", "--json").code in (0, 6)
    chain.settle()
    shown = cli(*SHOP, "plan", "results", plan, "--all", "--json").json["items"]
    theirs_too = cli(*OFFICE, "plan", "results", str(request.plan_id), "--all", "--json").json
    ends = {each["external_userid"]: each["status"] for each in shown}
    assert ends == {each["external_userid"]: each["status"] for each in theirs_too["items"]}
    assert set(ends) == set(customers)
    assert "waiting" not in ends.values()
    followed = back.data.execute(
        "SELECT count(*) FROM follow AS f JOIN customer AS c ON c.id = f.customer_id"
        " JOIN staff AS s ON s.id = f.staff_id WHERE s.userid = ? AND f.status = 'active'"
        " AND c.external_userid IN (?, ?, ?)",
        (taker, *customers),
    ).fetchone()[0]
    assert followed == sum(status == "done" for status in ends.values()) > 0
    (line,) = cli(*SHOP, "handover", "report", "--json").json["items"]
    assert line["rows"] == 3 + left["rows"]
    here, there = (
        {
            each["userid"]: each["done"]
            for each in cli(*at, "leaver", "list", "--json").json["items"]
        }
        for at in (SHOP, OFFICE)
    )
    assert here[leaver] == there[leaver] > 0
    assert cli(*OFFICE, "audit", "verify").code == 0
