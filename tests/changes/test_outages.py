"""An outage of a write API: bounded sends, honest ends, a next step that works."""

from __future__ import annotations

import pytest

from storeops import retrying
from storeops.changes import answers, apply, control, plans
from storeops.changes.follow_requests import FollowRequest, select_follows
from storeops.changes.jobs.listing import listing
from storeops.changes.next_steps import of_plan
from storeops.changes.plan_cards import card, run_trouble, trouble
from storeops.changes.verify import verify
from storeops.domains.remarks.remark_plan import plan_remarks
from storeops.domains.tags.tag_library_plan import add_tags
from storeops.domains.tags.tag_plan import plan_tags
from storeops.errors import ConflictError
from storeops.reading.customers import Selection
from storeops.retrying import Waits

MARK, REMARK = "externalcontact/mark_tag", "externalcontact/remark"
GET = "externalcontact/get"
ADD = "externalcontact/add_corp_tag"
TRIES = retrying.JOB.tries


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(retrying, "JOB", Waits(TRIES, 0.01, 0.05))
    monkeypatch.setattr(retrying, "READ_BACK", Waits(retrying.READ_BACK.tries, 0.01, 0.05))
    monkeypatch.setattr(retrying, "CALL", Waits(3, 0.01, 0.01))


def few(desk, count=5):
    selected = select_follows(
        desk.app.data,
        FollowRequest(Selection(where="status:active"), follows="all"),
        desk.app.clock.now(),
    )
    del selected.relations[count:]
    return selected


def tag_plan(desk):
    (tag,) = desk.app.data.execute("SELECT tag_id FROM tag ORDER BY id DESC LIMIT 1").fetchone()
    selected = few(desk, 12)
    return plan_tags(desk.app.ledger, selected, add=[tag])


MADE = {
    MARK: tag_plan,
    REMARK: lambda desk: plan_remarks(desk.app.ledger, few(desk), {"remark": "outage"}),
    ADD: lambda desk: add_tags(desk.app.ledger, "Outage", ["one"], new_group=True),
}
FAULTS = [("status", {"status": 502}), ("cut", {}), ("invalid", {})]


def sends(desk, path):
    return desk.sandbox.control.calls()["paths"].get(path, {"calls": 0})["calls"]


@pytest.mark.parametrize("path", MADE)
@pytest.mark.parametrize(("kind", "how"), FAULTS, ids=[kind for kind, _how in FAULTS])
def test_an_outage_costs_six_sends_a_row_and_ends_in_words(desk, path, kind, how):
    plan = MADE[path](desk)
    assert plan.ready
    apply.apply(desk.app.ledger, plan.name)
    desk.sandbox.control.fault(kind, path, **how)
    desk.run(plan_id=plan.id)
    jobs = listing(desk.app.data, plan_id=plan.id, limit=100)
    assert max(each.attempts for each in jobs) <= TRIES
    assert sends(desk, path) <= TRIES * plan.ready
    tally = plans.tally(desk.app.data, plan.id)
    assert set(tally) <= {"failed", "done"}, "done where the write happened all the same"
    for row in answers.results(desk.app.data, plan.id, statuses=("failed",)):
        assert "without an answer" in row.meaning
        assert row.next_step
        assert row.retryable
    assert verify(desk.app.data, desk.app.ledger.journal).whole
    desk.sandbox.control.clear_faults()
    if tally.get("failed"):
        assert control.retry_failed(desk.app.ledger, plan.name) == tally["failed"]
        desk.run(plan_id=plan.id)
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}


@pytest.mark.parametrize("errcode", [-1, 6000])
def test_tries_are_counted_over_all_layers(desk, errcode):
    """The client does not repeat what the job repeats."""
    plan = tag_plan(desk)
    apply.apply(desk.app.ledger, plan.name)
    desk.sandbox.control.fault("errcode", MARK, errcode=errcode)
    desk.run(plan_id=plan.id)
    assert plans.tally(desk.app.data, plan.id) == {"failed": plan.ready}
    assert sends(desk, MARK) == TRIES * plan.ready


AWAY = {"errcode": {"errcode": -1}, "no_errcode": {}, "status": {"status": 502}, "truncate": {}}


@pytest.mark.parametrize("how", AWAY)
def test_rows_stay_unknown_when_nobody_can_be_asked(desk, how):
    plan = tag_plan(desk)
    apply.apply(desk.app.ledger, plan.name)
    desk.sandbox.control.fault("html", MARK, carried_out=True)
    desk.sandbox.control.fault(how, GET, **AWAY[how])
    report = desk.run(plan_id=plan.id, seconds=60)
    assert report.ended == "empty", "it ends by itself"
    assert plans.tally(desk.app.data, plan.id) == {"unknown": plan.ready}
    assert sends(desk, MARK) == plan.ready
    assert report.unasked == {plan.id: plan.ready}
    row = next(answers.results(desk.app.data, plan.id))
    assert "12 times in vain" in row.meaning
    assert row.next_step == f"Ask again later: storeops plan resume {plan.name}"
    assert of_plan(desk.app.ledger, plan)[0] == f"storeops plan resume {plan.name}"
    error = trouble(desk.app.ledger, plan, report)
    assert error.exit_code == 6
    assert f"Nobody knows whether {plan.ready} rows happened" in error.message
    assert run_trouble(desk.app.ledger, report).exit_code == 6
    assert card(desk.app.ledger, plans.by_id(desk.app.data, plan.id)).state == "paused"
    desk.run(seconds=60)
    assert plans.tally(desk.app.data, plan.id) == {"unknown": plan.ready}, "nothing on its own"
    desk.sandbox.control.clear_faults()
    control.pause(desk.app.ledger, plan.name, resume=True)
    assert "in vain" not in next(answers.results(desk.app.data, plan.id)).meaning
    desk.run(plan_id=plan.id)
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}
    assert sends(desk, MARK) == plan.ready
    assert verify(desk.app.data, desk.app.ledger.journal).whole


def test_what_stays_unknown_is_asked_about_once_more_when_its_plan_is_cancelled(desk):
    plan = tag_plan(desk)
    apply.apply(desk.app.ledger, plan.name)
    desk.sandbox.control.fault("html", MARK, carried_out=True)
    desk.sandbox.control.fault("html", GET)
    desk.run(plan_id=plan.id, seconds=60)
    assert control.cancel_plan(desk.app.ledger, plan.name) == (0, plan.ready)
    assert plans.tally(desk.app.data, plan.id) == {"unknown": plan.ready}, "it may have happened"
    desk.sandbox.control.clear_faults()
    desk.run(plan_id=plan.id)
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}


def test_one_row_that_nobody_can_be_asked_about_holds_up_no_other(desk):
    plan = tag_plan(desk)
    apply.apply(desk.app.ledger, plan.name)
    first = next(answers.results(desk.app.data, plan.id))
    desk.sandbox.control.fault("html", MARK, match=first.external_userid)
    desk.sandbox.control.fault("html", GET)
    desk.run(plan_id=plan.id, seconds=60)
    every = list(answers.results(desk.app.data, plan.id))
    mine = [each for each in every if each.external_userid == first.external_userid]
    assert {each.status for each in mine} == {"unknown"}
    assert {each.status for each in every if each not in mine} == {"done"}
    assert len(of_plan(desk.app.ledger, plan)) >= 2


def test_tries_are_counted_over_restarts(desk):
    plan = tag_plan(desk)
    apply.apply(desk.app.ledger, plan.name)
    desk.sandbox.control.fault("status", MARK, status=502)
    for _each in range(60):
        desk.run(plan_id=plan.id, seconds=0.3)
        if set(plans.tally(desk.app.data, plan.id)) == {"failed"}:
            break
    assert plans.tally(desk.app.data, plan.id) == {"failed": plan.ready}
    assert (
        card(desk.app.ledger, plans.by_id(desk.app.data, plan.id)).state == "failed"
    )  # not "partly done"
    assert sends(desk, MARK) <= TRIES * plan.ready


def test_waits_grow_and_have_jitter():
    waits = Waits(6, 2.0, 120.0)
    for failures in range(1, 12):
        most = min(120.0, 2.0 * 2 ** (failures - 1))
        found = {waits.after(failures) for _each in range(20)}
        assert all(most / 2 <= each <= most for each in found)
        assert len(found) > 1
    assert [waits.over(each) for each in (5, 6, 7)] == [False, True, True]
    assert not Waits(None, 1.0, 2.0).over(10**9)
    assert Waits(None, 1.0, 2.0).after(10**6) <= 2.0


def in_doubt(desk, **how):
    """A plan of which some rows were sent, and nobody knows whether it happened."""
    plan = tag_plan(desk)
    apply.apply(desk.app.ledger, plan.name)
    desk.sandbox.control.fault("html", MARK, **how)
    desk.sandbox.control.fault("errcode", GET, errcode=-1)
    for _each in range(50):
        desk.run(plan_id=plan.id, seconds=0.1)
        if plans.tally(desk.app.data, plan.id).get("unknown"):
            break
    desk.sandbox.control.clear_faults()
    assert plans.tally(desk.app.data, plan.id)["unknown"]
    return plan


def test_a_cancelled_plan_sends_nothing_again_of_what_did_not_happen(desk):
    plan = in_doubt(desk)
    before = sends(desk, MARK)
    control.cancel_plan(desk.app.ledger, plan.name)
    with pytest.raises(ConflictError):
        control.cancel_plan(desk.app.ledger, plan.name)
    desk.run()
    assert sends(desk, MARK) == before
    assert plans.tally(desk.app.data, plan.id) == {"cancelled": plan.ready}
    assert (
        card(desk.app.ledger, plans.by_id(desk.app.data, plan.id)).state == "cancelled"
    )  # not "partly done"
    assert {each.status for each in listing(desk.app.data, plan_id=plan.id, limit=100)} == {
        "cancelled"
    }
    assert verify(desk.app.data, desk.app.ledger.journal).whole


def test_what_happened_before_a_plan_was_cancelled_is_done(desk):
    plan = in_doubt(desk, carried_out=True)
    before = sends(desk, MARK)
    control.cancel_plan(desk.app.ledger, plan.name)
    desk.run()
    assert sends(desk, MARK) == before
    tally = plans.tally(desk.app.data, plan.id)
    assert tally["done"] == before
    assert tally["done"] + tally.get("cancelled", 0) == plan.ready
    assert verify(desk.app.data, desk.app.ledger.journal).whole


@pytest.mark.parametrize("kind", ["half_surrogate", "control_char", "missing_field", "null_field"])
@pytest.mark.parametrize("made", [REMARK, ADD])
def test_what_is_read_back_in_halves_is_no_answer(desk, kind, made):
    path, field = (
        (GET, "remark") if made == REMARK else ("externalcontact/get_corp_tag_list", "name")
    )
    plan = (
        plan_remarks(desk.app.ledger, few(desk, 1), {"remark": "outage"})
        if made == REMARK
        else MADE[made](desk)
    )
    desk.sandbox.control.fault("no_errcode", made)
    desk.sandbox.control.fault("status", path, status=502)
    apply.apply(desk.app.ledger, plan.name)
    desk.run(plan_id=plan.id, seconds=0.5)
    assert plans.tally(desk.app.data, plan.id) == {"unknown": plan.ready}
    control.cancel_plan(desk.app.ledger, plan.name)
    desk.sandbox.control.clear_faults()
    desk.sandbox.control.fault(kind, path, field=field, every=True)
    desk.run(plan_id=plan.id, seconds=0.3)
    assert plans.tally(desk.app.data, plan.id) == {"unknown": plan.ready}
    desk.sandbox.control.clear_faults()
    control.pause(desk.app.ledger, plan.name, resume=True)
    desk.run()
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}


def test_a_job_in_doubt_can_be_cancelled_alone(desk):
    plan = in_doubt(desk)
    job = next(
        each for each in listing(desk.app.data, plan_id=plan.id, limit=100)
        if each.status == "unknown"
    )  # fmt: skip
    control.cancel_job(desk.app.ledger, job.job_id)
    desk.run()
    assert plans.tally(desk.app.data, plan.id) == {"cancelled": 1, "done": plan.ready - 1}


def test_a_paused_plan_sends_nothing_again_until_it_goes_on(desk):
    plan = in_doubt(desk)
    before = sends(desk, MARK)
    control.pause(desk.app.ledger, plan.name)
    for _each in range(50):
        desk.run(seconds=0.1)
        if not plans.tally(desk.app.data, plan.id).get("unknown"):
            break
    assert sends(desk, MARK) == before
    assert plans.tally(desk.app.data, plan.id) == {"queued": plan.ready}
    control.pause(desk.app.ledger, plan.name, resume=True)
    desk.run(plan_id=plan.id)
    assert plans.tally(desk.app.data, plan.id) == {"done": plan.ready}
