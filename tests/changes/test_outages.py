"""An outage of a write API: bounded sends, honest ends, a next step that works."""

from __future__ import annotations

import pytest

from storeops import retrying
from storeops.changes import apply, control, plans, row_results
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


def few(corp, count=5):
    selected = select_follows(
        corp.app.data,
        FollowRequest(Selection(where="status:active"), follows="all"),
        corp.app.clock.now(),
    )
    del selected.relations[count:]
    return selected


def tag_plan(corp):
    (tag,) = corp.app.data.execute("SELECT tag_id FROM tag ORDER BY id DESC LIMIT 1").fetchone()
    selected = few(corp, 12)
    return plan_tags(corp.app.ledger, selected, add=[tag])


MADE = {
    MARK: tag_plan,
    REMARK: lambda corp: plan_remarks(corp.app.ledger, few(corp), {"remark": "outage"}),
    ADD: lambda corp: add_tags(corp.app.ledger, "Outage", ["one"], new_group=True),
}
FAULTS = [("status", {"status": 502}), ("cut", {}), ("invalid", {})]


def sends(corp, path):
    return corp.sandbox.control.calls()["paths"].get(path, {"calls": 0})["calls"]


@pytest.mark.parametrize("path", MADE)
@pytest.mark.parametrize(("kind", "how"), FAULTS, ids=[kind for kind, _how in FAULTS])
def test_an_outage_costs_six_sends_a_row_and_ends_in_words(corp, path, kind, how):
    plan = MADE[path](corp)
    assert plan.ready
    apply.apply(corp.app.ledger, plan.name)
    corp.sandbox.control.fault(kind, path, **how)
    corp.run(plan_id=plan.id)
    jobs = listing(corp.app.data, plan_id=plan.id, limit=100)
    assert max(each.attempts for each in jobs) <= TRIES
    assert sends(corp, path) <= TRIES * plan.ready
    counts = plans.row_counts(corp.app.data, plan.id)
    assert set(counts) <= {"failed", "done"}, "done where the write happened all the same"
    for row in row_results.results(corp.app.data, plan.id, statuses=("failed",)):
        assert "without an answer" in row.meaning
        assert row.next_step
        assert row.retryable
    assert verify(corp.app.data, corp.app.ledger.journal).whole
    corp.sandbox.control.clear_faults()
    if counts.get("failed"):
        assert control.retry_failed(corp.app.ledger, plan.name) == counts["failed"]
        corp.run(plan_id=plan.id)
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}


@pytest.mark.parametrize("errcode", [-1, 6000])
def test_tries_are_counted_over_all_layers(corp, errcode):
    """The client does not repeat what the job repeats."""
    plan = tag_plan(corp)
    apply.apply(corp.app.ledger, plan.name)
    corp.sandbox.control.fault("errcode", MARK, errcode=errcode)
    corp.run(plan_id=plan.id)
    assert plans.row_counts(corp.app.data, plan.id) == {"failed": plan.ready}
    assert sends(corp, MARK) == TRIES * plan.ready


AWAY = {"errcode": {"errcode": -1}, "no_errcode": {}, "status": {"status": 502}, "truncate": {}}


@pytest.mark.parametrize("how", AWAY)
def test_rows_stay_unknown_when_nobody_can_be_asked(corp, how):
    plan = tag_plan(corp)
    apply.apply(corp.app.ledger, plan.name)
    corp.sandbox.control.fault("html", MARK, carried_out=True)
    corp.sandbox.control.fault(how, GET, **AWAY[how])
    report = corp.run(plan_id=plan.id, seconds=60)
    assert report.ended == "empty", "it ends by itself"
    assert plans.row_counts(corp.app.data, plan.id) == {"unknown": plan.ready}
    assert sends(corp, MARK) == plan.ready
    assert report.unasked == {plan.id: plan.ready}
    row = next(row_results.results(corp.app.data, plan.id))
    assert "12 times in vain" in row.meaning
    assert row.next_step == f"Ask again later: storeops plan resume {plan.name}"
    assert of_plan(corp.app.ledger, plan)[0] == f"storeops plan resume {plan.name}"
    error = trouble(corp.app.ledger, plan, report)
    assert error.exit_code == 6
    assert f"Nobody knows whether {plan.ready} rows happened" in error.message
    assert run_trouble(corp.app.ledger, report).exit_code == 6
    assert card(corp.app.ledger, plans.by_id(corp.app.data, plan.id)).state == "paused"
    corp.run(seconds=60)
    assert plans.row_counts(corp.app.data, plan.id) == {"unknown": plan.ready}, "nothing on its own"
    corp.sandbox.control.clear_faults()
    control.pause(corp.app.ledger, plan.name, resume=True)
    assert "in vain" not in next(row_results.results(corp.app.data, plan.id)).meaning
    corp.run(plan_id=plan.id)
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}
    assert sends(corp, MARK) == plan.ready
    assert verify(corp.app.data, corp.app.ledger.journal).whole


def test_what_stays_unknown_is_asked_about_once_more_when_its_plan_is_cancelled(corp):
    plan = tag_plan(corp)
    apply.apply(corp.app.ledger, plan.name)
    corp.sandbox.control.fault("html", MARK, carried_out=True)
    corp.sandbox.control.fault("html", GET)
    corp.run(plan_id=plan.id, seconds=60)
    assert control.cancel_plan(corp.app.ledger, plan.name) == (0, plan.ready)
    assert plans.row_counts(corp.app.data, plan.id) == {"unknown": plan.ready}, (
        "it may have happened"
    )
    corp.sandbox.control.clear_faults()
    corp.run(plan_id=plan.id)
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}


def test_one_row_that_nobody_can_be_asked_about_holds_up_no_other(corp):
    plan = tag_plan(corp)
    apply.apply(corp.app.ledger, plan.name)
    first = next(row_results.results(corp.app.data, plan.id))
    corp.sandbox.control.fault("html", MARK, match=first.external_userid)
    corp.sandbox.control.fault("html", GET)
    corp.run(plan_id=plan.id, seconds=60)
    every = list(row_results.results(corp.app.data, plan.id))
    mine = [each for each in every if each.external_userid == first.external_userid]
    assert {each.status for each in mine} == {"unknown"}
    assert {each.status for each in every if each not in mine} == {"done"}
    assert len(of_plan(corp.app.ledger, plan)) >= 2


def test_tries_are_counted_over_restarts(corp):
    plan = tag_plan(corp)
    apply.apply(corp.app.ledger, plan.name)
    corp.sandbox.control.fault("status", MARK, status=502)
    for _each in range(60):
        corp.run(plan_id=plan.id, seconds=0.3)
        if set(plans.row_counts(corp.app.data, plan.id)) == {"failed"}:
            break
    assert plans.row_counts(corp.app.data, plan.id) == {"failed": plan.ready}
    assert (
        card(corp.app.ledger, plans.by_id(corp.app.data, plan.id)).state == "failed"
    )  # not "partly done"
    assert sends(corp, MARK) <= TRIES * plan.ready


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


def in_doubt(corp, **how):
    """A plan of which some rows were sent, and nobody knows whether it happened."""
    plan = tag_plan(corp)
    apply.apply(corp.app.ledger, plan.name)
    corp.sandbox.control.fault("html", MARK, **how)
    corp.sandbox.control.fault("errcode", GET, errcode=-1)
    for _each in range(50):
        corp.run(plan_id=plan.id, seconds=0.1)
        if plans.row_counts(corp.app.data, plan.id).get("unknown"):
            break
    corp.sandbox.control.clear_faults()
    assert plans.row_counts(corp.app.data, plan.id)["unknown"]
    return plan


def test_a_cancelled_plan_sends_nothing_again_of_what_did_not_happen(corp):
    plan = in_doubt(corp)
    before = sends(corp, MARK)
    control.cancel_plan(corp.app.ledger, plan.name)
    with pytest.raises(ConflictError):
        control.cancel_plan(corp.app.ledger, plan.name)
    corp.run()
    assert sends(corp, MARK) == before
    assert plans.row_counts(corp.app.data, plan.id) == {"cancelled": plan.ready}
    assert (
        card(corp.app.ledger, plans.by_id(corp.app.data, plan.id)).state == "cancelled"
    )  # not "partly done"
    assert {each.status for each in listing(corp.app.data, plan_id=plan.id, limit=100)} == {
        "cancelled"
    }
    assert verify(corp.app.data, corp.app.ledger.journal).whole


def test_what_happened_before_a_plan_was_cancelled_is_done(corp):
    plan = in_doubt(corp, carried_out=True)
    before = sends(corp, MARK)
    control.cancel_plan(corp.app.ledger, plan.name)
    corp.run()
    assert sends(corp, MARK) == before
    counts = plans.row_counts(corp.app.data, plan.id)
    assert counts["done"] == before
    assert counts["done"] + counts.get("cancelled", 0) == plan.ready
    assert verify(corp.app.data, corp.app.ledger.journal).whole


@pytest.mark.parametrize("kind", ["half_surrogate", "control_char", "missing_field", "null_field"])
@pytest.mark.parametrize("made", [REMARK, ADD])
def test_what_is_read_back_in_halves_is_no_answer(corp, kind, made):
    path, field = (
        (GET, "remark") if made == REMARK else ("externalcontact/get_corp_tag_list", "name")
    )
    plan = (
        plan_remarks(corp.app.ledger, few(corp, 1), {"remark": "outage"})
        if made == REMARK
        else MADE[made](corp)
    )
    corp.sandbox.control.fault("no_errcode", made)
    corp.sandbox.control.fault("status", path, status=502)
    apply.apply(corp.app.ledger, plan.name)
    corp.run(plan_id=plan.id, seconds=0.5)
    assert plans.row_counts(corp.app.data, plan.id) == {"unknown": plan.ready}
    control.cancel_plan(corp.app.ledger, plan.name)
    corp.sandbox.control.clear_faults()
    corp.sandbox.control.fault(kind, path, field=field, every=True)
    corp.run(plan_id=plan.id, seconds=0.3)
    assert plans.row_counts(corp.app.data, plan.id) == {"unknown": plan.ready}
    corp.sandbox.control.clear_faults()
    control.pause(corp.app.ledger, plan.name, resume=True)
    corp.run()
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}


def test_a_job_in_doubt_can_be_cancelled_alone(corp):
    plan = in_doubt(corp)
    job = next(
        each for each in listing(corp.app.data, plan_id=plan.id, limit=100)
        if each.status == "unknown"
    )  # fmt: skip
    control.cancel_job(corp.app.ledger, job.job_id)
    corp.run()
    assert plans.row_counts(corp.app.data, plan.id) == {"cancelled": 1, "done": plan.ready - 1}


def test_a_paused_plan_sends_nothing_again_until_it_goes_on(corp):
    plan = in_doubt(corp)
    before = sends(corp, MARK)
    control.pause(corp.app.ledger, plan.name)
    for _each in range(50):
        corp.run(seconds=0.1)
        if not plans.row_counts(corp.app.data, plan.id).get("unknown"):
            break
    assert sends(corp, MARK) == before
    assert plans.row_counts(corp.app.data, plan.id) == {"queued": plan.ready}
    control.pause(corp.app.ledger, plan.name, resume=True)
    corp.run(plan_id=plan.id)
    assert plans.row_counts(corp.app.data, plan.id) == {"done": plan.ready}
