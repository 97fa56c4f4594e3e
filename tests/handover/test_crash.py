"""Answers that never came: what WeCom refuses afterwards may be what we did ourselves."""

from __future__ import annotations

import pytest

from storeops import retrying
from tests.chaos.handover import Drill

DAY = 86_400


@pytest.mark.timeout(180)
def test_killed_processes_and_lost_answers_lose_nobody(tmp_path):
    account = Drill(tmp_path, seed=7).run()
    assert account.problems == []
    assert account.kills >= 1
    assert account.rows > 50
    assert sum(account.ends.values()) == account.rows


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """What did not happen is sent again without a wait."""
    monkeypatch.setattr(retrying, "JOB", retrying.Waits(6, 0.0, 0.0))


def _impatient(corp):
    """The next ask about a lost call is the last one before it is sent again."""
    with corp.app.data.atomic() as connection:
        connection.execute("UPDATE job SET asks = 4, run_at = 0 WHERE status = 'unknown'")


def _job(corp):
    return corp.app.data.execute("SELECT status, asks, doubts FROM job").fetchone()


def _late_list(make_corp, act):
    """Customers handed over by a call whose answer is lost; the result list does not show it."""
    corp = make_corp(
        handover_at_once_rate=0, handover_early_rate=0, handover_refuse_rate=0,
        handover_delete_rate=0, handover_result_lag_s=50_000,
    )  # fmt: skip
    from_owner, to_owner = (m["userid"] for m in corp.staff()[:2])
    who = corp.customers(from_owner, without=to_owner)[:8]
    corp.decide(who, act)
    made = corp.plan(
        from_owner, to=to_owner, groups=False, where=" OR ".join(f"id:{e}" for e in who)
    )
    assert made.plan.ready == len(who)
    return corp, made


def test_an_attempt_that_is_refused_as_running_is_our_own(make_corp):
    corp, made = _late_list(make_corp, "wait")
    corp.control.fault("lost", "externalcontact/transfer_customer", first=1)
    from storeops.changes import apply as changes

    changes.apply(corp.app.ledger, made.plan.name)
    corp.app.worker().run(once=True)
    assert _job(corp)[0] == "unknown"
    _impatient(corp)
    corp.app.worker().run(once=True)
    assert corp.row_counts(made) == {"waiting": made.plan.rows}, "40100 was our own first attempt"
    corp.advance(DAY + 5)
    corp.watch()
    assert corp.row_counts(made) == {"done": made.plan.rows}
    corp.compare()


def test_customers_who_moved_by_a_lost_call_are_not_failed(make_corp):
    corp, made = _late_list(make_corp, "accept")
    corp.control.fault("lost", "externalcontact/transfer_customer", first=1)
    from storeops.changes import apply as changes

    changes.apply(corp.app.ledger, made.plan.name)
    corp.app.worker().run(once=True)
    _impatient(corp)
    corp.app.worker().run(once=True)
    assert corp.row_counts(made) == {"waiting": made.plan.rows}, (
        "not the owner's, for it is the taker's"
    )
    corp.advance(50_000)
    corp.watch()
    assert corp.row_counts(made) == {"done": made.plan.rows}
    corp.compare()


def test_patience_begins_anew_with_every_sending(make_corp):
    corp, made = _late_list(make_corp, "wait")
    corp.control.fault("lost", "externalcontact/transfer_customer", first=2)
    from storeops.changes import apply as changes

    changes.apply(corp.app.ledger, made.plan.name)
    corp.app.worker().run(once=True)
    _impatient(corp)
    corp.app.worker().run(once=True)
    assert _job(corp) == ("unknown", 0, 2)
    with corp.app.data.atomic() as connection:
        connection.execute("UPDATE job SET run_at = 0")
    corp.app.worker().run(once=True)
    assert _job(corp) == ("unknown", 1, 2)
    assert corp.calls("transfer_customer") == 2
    assert corp.row_counts(made) == {"unknown": made.plan.rows}


def test_a_group_that_a_lost_call_moved_is_done(corp):
    owner, chats = max(
        (
            (m["userid"], [g["chat_id"] for g in corp.control.export("groups")
                           if g["owner"] == m["userid"]])
            for m in corp.staff()
        ),
        key=lambda each: len(each[1]),
    )  # fmt: skip
    to_owner = next(m["userid"] for m in corp.staff() if m["userid"] != owner)
    made = corp.plan(owner, to=to_owner, customers=False, groups=True)
    from dataclasses import replace

    from storeops.changes import rows as plan_rows
    from storeops.domains.handover import group_calls
    from storeops.domains.handover.action import HandoverAction

    rows = plan_rows.load(corp.app.data, made.plan.id)
    call = replace(HandoverAction().call(rows, made.plan.params), ambiguous_sends=1)
    sent = group_calls.SentGroups(corp.app.clock.now(), dict.fromkeys(chats, 90504))
    assert {each.status for each in group_calls.interpret(call, sent)} == {"done"}
    first = group_calls.interpret(replace(call, ambiguous_sends=0), sent)
    assert {each.status for each in first} == {"failed"}
