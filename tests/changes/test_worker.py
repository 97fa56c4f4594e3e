"""Jobs under trouble: faults, lost answers, limits, crashes, several processes."""

import subprocess
import sys
import threading
import time

import pytest

from storeops import retrying
from storeops.changes import answers, apply, control, decision, plans
from storeops.changes.follow_requests import FollowRequest, select_follows
from storeops.changes.jobs import queue
from storeops.changes.jobs.listing import events, listing
from storeops.changes.plan_cards import card, trouble
from storeops.changes.verify import verify
from storeops.domains.tags.tag_plan import plan_tags
from storeops.errors import AccessError, ConflictError
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


def plan_all(desk, tag=0, **conditions):
    app = desk.app
    tags = [row[0] for row in app.data.execute("SELECT tag_id FROM tag ORDER BY id")]
    wish = FollowRequest(Selection(**{"where": "status:active", **conditions}), follows="all")
    selected = select_follows(app.data, wish, app.clock.now())
    return plan_tags(app.ledger, selected, add=[tags[tag]])


def applied(desk, **request):
    plan = plan_all(desk, **request)
    apply.apply(desk.app.ledger, plan.name)
    return plan


def tagged(desk, plan):
    (tag,) = plan.params["add"]
    return sum(tag in row["tag_id"] for row in desk.truth().values())


def calls(desk):
    return desk.sandbox.control.calls()["paths"].get(MARK, {"calls": 0})


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
def test_passing_trouble_ends_with_every_row_done(desk, kind, how):
    plan = applied(desk)
    before = tagged(desk, plan)
    desk.sandbox.control.fault(kind, MARK, seed=3, **how)
    desk.run(plan_id=plan.id)
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}
    assert tagged(desk, plan) == before + plan.ready
    assert verify(desk.app.data, desk.app.ledger.journal).whole


def test_a_lost_answer_is_asked_about_and_not_repeated(desk):
    plan = applied(desk)
    desk.sandbox.control.fault("lost", MARK, first=5)
    desk.run(plan_id=plan.id)
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}
    assert calls(desk)["calls"] == plan.ready
    noted = [each.kind for each in events(desk.app.data, plan_id=plan.id)]
    assert noted.count("unknown") == noted.count("read_back") == 5


def test_a_call_that_never_arrived_is_sent_again(desk):
    plan = applied(desk)
    desk.sandbox.control.fault("cut", MARK, first=4)
    desk.run(plan_id=plan.id)
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}


def test_a_refusal_is_an_answer_with_words(desk):
    plan = applied(desk)
    row = next(answers.results(desk.app.data, plan.id))
    desk.sandbox.control.act(
        "follow_delete", userid=row.userid, external_userid=row.external_userid
    )
    desk.sandbox.control.fault("errcode", MARK, errcode=40068, nth=5)
    desk.run(plan_id=plan.id)
    tally = plans.tally(desk.app.data, plan.id)
    assert tally == {"done": plan.ready - 2, "vanished": 1, "failed": 1}
    for each in answers.results(desk.app.data, plan.id, statuses=("failed", "vanished")):
        value = each.as_dict()
        assert value["errcode"] in (84061, 40068)
        assert value["meaning"]
        assert value["next_step"]
        assert value["retryable"] is False
    with pytest.raises(ConflictError, match="no row to retry"):
        control.retry_failed(desk.app.ledger, plan.name)


def test_retry_failed_sends_only_the_failed_rows(desk, monkeypatch):
    monkeypatch.setattr(retrying, "JOB", Waits(1, 0.01, 0.01))
    plan = applied(desk)
    for row in list(answers.results(desk.app.data, plan.id))[:3]:
        match = f'"{row.userid}","external_userid":"{row.external_userid}"'
        desk.sandbox.control.fault("errcode", MARK, errcode=-1, match=match)
    desk.run(plan_id=plan.id)
    assert plans.tally(desk.app.data, plan.id)["failed"] == 3
    desk.sandbox.control.clear_faults()
    done = calls(desk)["calls"]
    assert control.retry_failed(desk.app.ledger, plan.name) == 3
    desk.run(plan_id=plan.id)
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}
    assert calls(desk)["calls"] == done + 3


def test_a_refused_app_pauses_the_plan_and_resume_goes_on(desk):
    plan = applied(desk)
    desk.sandbox.control.fault("errcode", MARK, errcode=48002)
    report = desk.run(plan_id=plan.id)
    assert isinstance(report.pauses[plan.id], AccessError)
    assert calls(desk)["calls"] <= 20, "no storm of calls that must fail"
    paused = plans.get(desk.app.data, plan.name)
    assert paused.paused
    assert "48002" in paused.paused_why
    assert card(desk.app.ledger, paused).state == "paused"
    error = trouble(desk.app.ledger, paused, report)
    assert error is not None
    assert error.exit_code == 4
    assert any("plan resume" in step for step in error.next_steps)
    desk.sandbox.control.clear_faults()
    assert control.pause(desk.app.ledger, plan.name, resume=True) == plan.ready
    desk.run(plan_id=plan.id)
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}


def test_dead_tokens_pause_the_plan_without_a_storm(desk):
    plan = applied(desk)
    desk.sandbox.control.fault("token", MARK)
    report = desk.run(plan_id=plan.id)
    assert report.ended == "paused"
    assert report.pauses[plan.id].exit_code == 4
    assert calls(desk)["calls"] < 40
    assert set(plans.tally(desk.app.data, plan.id)) <= {"queued", "done"}


def test_a_paused_plan_lets_others_pass(desk):
    first = applied(desk)
    second = applied(desk, tag=1)
    control.pause(desk.app.ledger, first.name)
    desk.run(plan_id=second.id)
    assert plans.tally(desk.app.data, second.id) == {"done": second.ready}
    assert plans.tally(desk.app.data, first.id) == {"queued": first.ready}
    control.pause(desk.app.ledger, first.name, resume=True)
    desk.run()
    assert plans.tally(desk.app.data, first.id) == {"done": first.ready}


def test_cancel_takes_back_what_was_not_sent(desk):
    plan = applied(desk)
    jobs = listing(desk.app.data, plan_id=plan.id, limit=1)
    assert control.cancel_job(desk.app.ledger, jobs[0].job_id).rows == 1
    assert control.cancel_plan(desk.app.ledger, plan.name).rows == plan.ready - 1
    desk.run()
    assert calls(desk)["calls"] == 0
    assert plans.tally(desk.app.data, plan.id) == {"cancelled": plan.ready}
    with pytest.raises(ConflictError, match="nothing left to cancel"):
        control.cancel_plan(desk.app.ledger, plan.name)


def test_calls_for_one_customer_never_overlap(make_desk):
    desk = make_desk(stores=2, staff=6, follows=400)
    plan = applied(desk)
    desk.sandbox.control.settings(latency_ms=5)
    overlap = []
    running = set()
    lock = threading.Lock()
    action = desk.app.actions["tag"]
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
        desk.run(plan_id=plan.id)
    finally:
        type(action).send = original
    assert overlap == []
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}
    assert "45035" not in calls(desk)["errcodes"]


def test_once_and_time_limits(desk):
    plan = applied(desk)
    desk.sandbox.control.settings(latency_ms=30)
    started = time.monotonic()
    report = desk.run(plan_id=plan.id, seconds=0.2)
    assert report.ended == "time"
    assert report.left > 0
    assert time.monotonic() - started < 10
    error = trouble(desk.app.ledger, plan, report)
    assert error is not None
    assert error.exit_code == 69
    assert error.next_steps[0] == "storeops job run --until-empty"
    assert "sending" not in queue.counts(desk.app.data, plan.id)
    desk.sandbox.control.settings(latency_ms=0)
    report = desk.run(once=True)
    assert report.ended == "once"
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}


def test_stop_finishes_what_is_in_flight(desk):
    plan = applied(desk)
    desk.sandbox.control.settings(latency_ms=30)
    stop = threading.Event()
    threading.Timer(0.15, stop.set).start()
    report = desk.app.worker(stop=stop).run(plan_id=plan.id)
    assert report.ended == "stopped"
    assert set(queue.counts(desk.app.data, plan.id)) <= {"queued", "succeeded"}
    assert calls(desk)["calls"] == report.rows["done"]


def test_a_small_plan_goes_before_bulk(make_desk):
    desk = make_desk(stores=2, staff=10, follows=300)
    owner = desk.app.data.execute(
        "SELECT s.userid FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
        " WHERE f.status = 'active' GROUP BY 1 ORDER BY count(*) LIMIT 1"
    ).fetchone()[0]
    bulk = applied(desk, where=f"status:active !@{owner}")
    assert bulk.calls > apply.SMALL
    small = applied(desk, tag=1, where="", owner=(owner,))
    desk.run(plan_id=small.id)
    counts = queue.counts(desk.app.data, bulk.id)
    assert counts["queued"] > bulk.calls / 2


def test_a_bug_is_loud_and_leaves_nothing_sending(desk, monkeypatch):
    plan = applied(desk)
    kind = type(desk.app.actions["tag"])
    send = kind.send

    def broken(self, client, call):
        if call.rows[0].row == 3:
            raise ZeroDivisionError
        return send(self, client, call)

    monkeypatch.setattr(kind, "send", broken)
    with pytest.raises(ZeroDivisionError):
        desk.run(plan_id=plan.id)
    assert "sending" not in queue.counts(desk.app.data, plan.id)
    monkeypatch.setattr(kind, "send", send)
    desk.run(plan_id=plan.id)
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}


WORK = """
import sys
from storeops.app import App
app = App.open("t")
app.worker().run()
app.close()
"""


def test_kill_nine_leaves_no_row_unanswered_and_repeats_nothing_blindly(desk):
    """A short form of tests/chaos/changes.py."""
    plan = applied(desk)
    desk.sandbox.control.settings(latency_ms=10)
    for pause in (0.5, 0.65, 0.8):
        process = subprocess.Popen([sys.executable, "-c", WORK])
        time.sleep(pause)
        process.kill()
        process.wait()
    desk.sandbox.control.settings(latency_ms=0)
    before = calls(desk)["calls"]
    left = plan.ready - plans.tally(desk.app.data, plan.id).get("done", 0)
    desk.run()
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}
    assert calls(desk)["calls"] - before <= left
    assert verify(desk.app.data, desk.app.ledger.journal).whole


def test_two_processes_share_queue_and_limits(make_desk):
    desk = make_desk(stores=3, staff=12, follows=600)
    plan = applied(desk)
    desk.sandbox.control.settings(latency_ms=10)
    workers = [subprocess.Popen([sys.executable, "-c", WORK]) for _each in range(2)]
    assert [each.wait(timeout=60) for each in workers] == [0, 0]
    seen = calls(desk)
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}
    assert seen["calls"] == plan.ready, "each call was sent by one of them, once"
    assert seen["max_in_flight"] <= 4
    assert "45009" not in seen["errcodes"]
    who = desk.app.data.execute("SELECT count(*) FROM worker").fetchone()[0]
    assert who == 2
    assert verify(desk.app.data, desk.app.ledger.journal).whole
