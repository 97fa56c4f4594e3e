"""Jobs under trouble: faults, lost answers, limits, crashes, several processes."""

import subprocess
import sys
import threading
import time
from dataclasses import replace
from types import ModuleType

import pytest

from storeops import retrying
from storeops.changes import apply, control, decision, plans, row_results
from storeops.changes import rows as plan_rows
from storeops.changes.follow_requests import FollowRequest, select_follows
from storeops.changes.jobs import queue
from storeops.changes.jobs import worker as worker_module
from storeops.changes.jobs.listing import events, listing
from storeops.changes.plan_cards import card, trouble
from storeops.changes.verify import verify
from storeops.domain import Domain, Found, registry
from storeops.domains.tags.tag_plan import plan_tags
from storeops.errors import AccessError, ConflictError, NetworkError
from storeops.i18n import said
from storeops.reading.customers import Selection
from storeops.retrying import Waits

MARK = "externalcontact/mark_tag"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """Back-off in tests takes hundredths of seconds."""
    monkeypatch.setattr(retrying, "JOB", Waits(6, 0.02, 120.0))
    monkeypatch.setattr(retrying, "READ_BACK", Waits(None, 0.02, 120.0))
    monkeypatch.setattr(decision, "TOKEN_WAIT_S", 0.05)
    monkeypatch.setattr(retrying, "CALL", Waits(3, 0.01, 0.01))
    monkeypatch.setattr(retrying, "CROWDED", Waits(8, 0.01, 0.01))


def plan_all(corp, tag=0, **conditions):
    app = corp.app
    tags = [row[0] for row in app.data.execute("SELECT tag_id FROM tag ORDER BY id")]
    wish = FollowRequest(Selection(**{"where": "status:active", **conditions}), follows="all")
    selected = select_follows(app.data, wish, app.clock.now())
    return plan_tags(app.ledger, selected, add=[tags[tag]])


def applied(corp, **request):
    plan = plan_all(corp, **request)
    apply.apply(corp.app.ledger, plan.name)
    return plan


def tagged(corp, plan):
    (tag,) = plan.params["add"]
    return sum(tag in row["tag_id"] for row in corp.truth().values())


def calls(corp):
    return corp.sandbox.control.calls()["paths"].get(MARK, {"calls": 0})


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("errcode", {"errcode": -1, "rate": 0.2}),
        ("errcode", {"errcode": 45033, "rate": 0.1}),
        ("errcode", {"errcode": 45035, "rate": 0.1}),
        ("errcode", {"errcode": 6000, "first": 9}),
        ("lost", {"rate": 0.2}),
        ("cut", {"rate": 0.1}),
        ("status", {"status": 502, "rate": 0.1}),
        ("invalid", {"rate": 0.1}),
    ],
)
def test_passing_trouble_ends_with_every_row_done(corp, kind, how):
    plan = applied(corp)
    before = tagged(corp, plan)
    corp.sandbox.control.fault(kind, MARK, seed=3, **how)
    corp.run(plan_id=plan.id)
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}
    assert tagged(corp, plan) == before + plan.ready
    assert verify(corp.app.data, corp.app.ledger.journal).whole


def test_a_lost_answer_is_asked_about_and_not_repeated(corp):
    plan = applied(corp)
    corp.sandbox.control.fault("lost", MARK, first=5)
    corp.run(plan_id=plan.id)
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}
    assert calls(corp)["calls"] == plan.ready
    noted = [each.kind for each in events(corp.app.data, plan_id=plan.id)]
    assert noted.count("unknown") == noted.count("read_back") == 5


def test_a_call_that_never_arrived_is_sent_again(corp):
    plan = applied(corp)
    corp.sandbox.control.fault("cut", MARK, first=4)
    corp.run(plan_id=plan.id)
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}


def test_a_refusal_is_an_answer_with_words(corp):
    plan = applied(corp)
    row = next(row_results.results(corp.app.data, plan.id))
    corp.sandbox.control.act(
        "follow_delete", userid=row.userid, external_userid=row.external_userid
    )
    corp.sandbox.control.fault("errcode", MARK, errcode=40068, nth=5)
    corp.run(plan_id=plan.id)
    counts = plans.row_counts(corp.app.data, plan.id)
    assert counts == {"done": plan.ready - 2, "vanished": 1, "failed": 1}
    for each in row_results.results(corp.app.data, plan.id, statuses=("failed", "vanished")):
        value = each.as_dict()
        assert value["errcode"] in (84061, 40068)
        assert value["meaning"]
        assert value["next_step"]
        assert value["retryable"] is False
    with pytest.raises(ConflictError, match="no row to retry"):
        control.retry_failed(corp.app.ledger, plan.name)


def test_retry_failed_sends_only_the_failed_rows(corp, monkeypatch):
    monkeypatch.setattr(retrying, "JOB", Waits(1, 0.01, 0.01))
    plan = applied(corp)
    for row in list(row_results.results(corp.app.data, plan.id))[:3]:
        match = f'"{row.userid}","external_userid":"{row.external_userid}"'
        corp.sandbox.control.fault("errcode", MARK, errcode=-1, match=match)
    corp.run(plan_id=plan.id)
    assert plans.row_counts(corp.app.data, plan.id)["failed"] == 3
    corp.sandbox.control.clear_faults()
    done = calls(corp)["calls"]
    assert control.retry_failed(corp.app.ledger, plan.name) == 3
    corp.run(plan_id=plan.id)
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}
    assert calls(corp)["calls"] == done + 3


def test_a_refused_app_pauses_the_plan_and_resume_goes_on(corp):
    plan = applied(corp)
    corp.sandbox.control.fault("errcode", MARK, errcode=48002)
    report = corp.run(plan_id=plan.id)
    assert isinstance(report.pauses[plan.id], AccessError)
    assert calls(corp)["calls"] <= 20, "no storm of calls that must fail"
    paused = plans.get(corp.app.data, plan.name)
    assert paused.paused
    assert "48002" in paused.paused_why
    assert card(corp.app.ledger, paused).state == "paused"
    error = trouble(corp.app.ledger, paused, report)
    assert error is not None
    assert error.exit_code == 4
    assert any("plan resume" in step for step in error.next_steps)
    corp.sandbox.control.clear_faults()
    assert control.pause(corp.app.ledger, plan.name, resume=True) == plan.ready
    corp.run(plan_id=plan.id)
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}


def test_dead_tokens_pause_the_plan_without_a_storm(corp):
    plan = applied(corp)
    corp.sandbox.control.fault("token", MARK)
    report = corp.run(plan_id=plan.id)
    assert report.ended == "paused"
    assert report.pauses[plan.id].exit_code == 4
    assert calls(corp)["calls"] < 40
    assert set(plans.row_counts(corp.app.data, plan.id)) <= {"queued", "done"}


def test_a_paused_plan_lets_others_pass(corp):
    first = applied(corp)
    second = applied(corp, tag=1)
    control.pause(corp.app.ledger, first.name)
    corp.run(plan_id=second.id)
    assert plans.row_counts(corp.app.data, second.id) == {"done": second.ready}
    assert plans.row_counts(corp.app.data, first.id) == {"queued": first.ready}
    control.pause(corp.app.ledger, first.name, resume=True)
    corp.run()
    assert plans.row_counts(corp.app.data, first.id) == {"done": first.ready}


def test_cancel_takes_back_what_was_not_sent(corp):
    plan = applied(corp)
    jobs = listing(corp.app.data, plan_id=plan.id, limit=1)
    assert control.cancel_job(corp.app.ledger, jobs[0].job_id).rows == 1
    assert control.cancel_plan(corp.app.ledger, plan.name).rows == plan.ready - 1
    corp.run()
    assert calls(corp)["calls"] == 0
    assert plans.row_counts(corp.app.data, plan.id) == {"cancelled": plan.ready}
    with pytest.raises(ConflictError, match="nothing left to cancel"):
        control.cancel_plan(corp.app.ledger, plan.name)


def test_calls_for_one_customer_never_overlap(make_corp):
    corp = make_corp(stores=2, staff=6, follows=400)
    plan = applied(corp)
    corp.sandbox.control.settings(latency_ms=5)
    overlap = []
    running = set()
    lock = threading.Lock()
    action = corp.app.actions["tag"]
    send = type(action).send

    def watch(self, client, call):
        key = call.payload["external_userid"]
        with lock:
            if key in running:
                overlap.append(key)
            running.add(key)
        try:
            return send(self, client, call)
        finally:
            with lock:
                running.discard(key)

    original, type(action).send = type(action).send, watch
    try:
        corp.run(plan_id=plan.id)
    finally:
        type(action).send = original
    assert overlap == []
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}
    assert "45035" not in calls(corp)["errcodes"]


def test_once_and_time_limits(corp):
    plan = applied(corp)
    corp.sandbox.control.settings(latency_ms=30)
    started = time.monotonic()
    report = corp.run(plan_id=plan.id, seconds=0.2)
    assert report.ended == "time"
    assert report.left > 0
    assert time.monotonic() - started < 10
    error = trouble(corp.app.ledger, plan, report)
    assert error is not None
    assert error.exit_code == 69
    assert error.next_steps[0] == "storeops job run --until-empty"
    assert "sending" not in queue.counts(corp.app.data, plan.id)
    corp.sandbox.control.settings(latency_ms=0)
    report = corp.run(once=True)
    assert report.ended == "once"
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}


def test_stop_finishes_what_is_in_flight(corp):
    plan = applied(corp)
    corp.sandbox.control.settings(latency_ms=30)
    stop = threading.Event()
    threading.Timer(0.15, stop.set).start()
    report = corp.app.worker(stop=stop).run(plan_id=plan.id)
    assert report.ended == "stopped"
    assert set(queue.counts(corp.app.data, plan.id)) <= {"queued", "succeeded"}
    assert calls(corp)["calls"] == report.rows["done"]


def test_a_small_plan_goes_before_bulk(make_corp):
    corp = make_corp(stores=2, staff=10, follows=300)
    owner = corp.app.data.execute(
        "SELECT s.userid FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
        " WHERE f.status = 'active' GROUP BY 1 ORDER BY count(*) LIMIT 1"
    ).fetchone()[0]
    bulk = applied(corp, where=f"status:active !@{owner}")
    assert bulk.calls > apply.SMALL
    small = applied(corp, tag=1, where="", owner=(owner,))
    corp.run(plan_id=small.id)
    counts = queue.counts(corp.app.data, bulk.id)
    assert counts["queued"] > bulk.calls / 2


def test_a_bug_is_loud_and_leaves_nothing_sending(corp, monkeypatch):
    plan = applied(corp)
    kind = type(corp.app.actions["tag"])
    send = kind.send

    def broken(self, client, call):
        if call.rows[0].row == 3:
            raise ZeroDivisionError
        return send(self, client, call)

    monkeypatch.setattr(kind, "send", broken)
    with pytest.raises(ZeroDivisionError):
        corp.run(plan_id=plan.id)
    assert "sending" not in queue.counts(corp.app.data, plan.id)
    monkeypatch.setattr(kind, "send", send)
    corp.run(plan_id=plan.id)
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}


WORK = """
import sys
from storeops.app import App
app = App.open("t")
app.worker().run()
app.close()
"""


def test_kill_nine_leaves_no_row_unanswered_and_repeats_nothing_blindly(corp):
    """A short form of tests/chaos/changes.py."""
    plan = applied(corp)
    corp.sandbox.control.settings(latency_ms=10)
    for pause in (0.5, 0.65, 0.8):
        process = subprocess.Popen([sys.executable, "-c", WORK])
        time.sleep(pause)
        process.kill()
        process.wait()
    corp.sandbox.control.settings(latency_ms=0)
    before = calls(corp)["calls"]
    left = plan.ready - plans.row_counts(corp.app.data, plan.id).get("done", 0)
    corp.run()
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}
    assert calls(corp)["calls"] - before <= left
    assert verify(corp.app.data, corp.app.ledger.journal).whole


def test_two_processes_share_queue_and_limits(make_corp):
    corp = make_corp(stores=3, staff=12, follows=600)
    plan = applied(corp)
    corp.sandbox.control.settings(latency_ms=10)
    workers = [subprocess.Popen([sys.executable, "-c", WORK]) for _each in range(2)]
    assert [each.wait(timeout=60) for each in workers] == [0, 0]
    seen = calls(corp)
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}
    assert seen["calls"] == plan.ready, "each call was sent by one of them, once"
    assert seen["max_in_flight"] <= 4
    assert "45009" not in seen["errcodes"]
    who = corp.app.data.execute("SELECT count(*) FROM worker").fetchone()[0]
    assert who == 2
    assert verify(corp.app.data, corp.app.ledger.journal).whole


def test_nothing_is_sent_that_is_not_secured(corp, monkeypatch):
    monkeypatch.setattr(worker_module, "UNSECURED_S", 0.02)
    plan = applied(corp)
    tried = []

    def secure():
        tried.append(calls(corp)["calls"])
        if len(tried) < 3:
            raise NetworkError("no copy of it")

    worker = corp.app.worker()
    worker._secure = secure
    worker.run(plan_id=plan.id)
    assert tried[:3] == [0, 0, 0]
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}
    assert calls(corp)["calls"] == plan.ready
    assert {row[0] for row in corp.app.data.execute("SELECT attempts FROM job")} == {1}
    assert verify(corp.app.data, corp.app.ledger.journal).whole


STRANGER = """
from storeops.domains.tags.tagging import TagAction

def trip(step, rows):
    if any(row.extra.get("trips") == step for row in rows):
        raise KeyError(step)

class Odd(TagAction):
    name = "odd"
    def call(self, rows, params):
        call = super().call(rows, params)
        if params.get("applied"):
            trip("call", rows)
        return call
    def veto(self, view, rows):
        trip("veto", rows)
        return {}
    def send(self, client, call):
        trip("send", call.rows)
        return super().send(client, call)
    def interpret(self, call, answer, error):
        trip("interpret", call.rows)
        return super().interpret(call, answer, error)
    def facts(self, db, results, ref, now):
        trip("facts", [row for row, _result in results])
"""


def test_an_action_of_another_package_that_fails_pauses_its_plan_and_no_other(corp, monkeypatch):
    module = ModuleType("acme_odd")
    exec(STRANGER, module.__dict__)
    monkeypatch.setitem(sys.modules, "acme_odd", module)
    odd = Domain(name="odd", title="Odd", actions={"odd": "acme_odd:Odd"})
    found = [*registry().found, Found("odd", "acme-odd", "1", odd)]
    monkeypatch.setattr(registry(), "found", found)
    ledger = corp.app.ledger
    monkeypatch.setitem(ledger.actions._where, "odd", (odd, "acme_odd:Odd"))
    like = plan_all(corp)
    rows = plan_rows.load(ledger.db, like.id, range(1, 6))
    tripping = {}
    for row, step in zip(rows, ("veto", "send", "interpret", "facts", "none"), strict=True):
        made = replace(row, row=1, extra={**row.extra, "trips": step})
        plan = plans.make(ledger, "odd", [made], params=like.params)
        apply.apply(ledger, plan.name)
        tripping[step] = plan
    honest = plan_all(corp, tag=1)
    apply.apply(ledger, honest.name)
    report = corp.run()
    assert plans.row_counts(ledger.db, honest.id)["done"] == honest.ready, "the others are sent"
    fine = tripping.pop("none")
    assert not plans.by_id(ledger.db, fine.id).paused
    assert set(report.pauses) == {each.id for each in tripping.values()}
    for step, plan in tripping.items():
        now = plans.by_id(ledger.db, plan.id)
        assert now.paused, step
        assert "acme-odd" in said(now.paused_why)
    assert corp.run().jobs == 0, "nothing is tried again before a person resumes it"
    module.trip = lambda step, rows: None
    for plan in tripping.values():
        control.pause(ledger, plan.name, resume=True)
    corp.run()
    assert queue.unfinished(ledger.db, None) == 0
