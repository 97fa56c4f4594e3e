"""Faults that peers have by their code; each test is named after what it protects.

The size case is in tests/chaos.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading

import pytest

from storeops import paths
from storeops.app import App
from storeops.changes.sheets import Source
from storeops.database.database import open_database
from storeops.events import listing, schema
from storeops.events.crypto import CallbackKeys
from storeops.events.inbox import Inbox
from storeops.events.receiver import SUCCESS, Receiver
from storeops.reading.customers import Selection
from storeops.sync.run import run_sync
from storeops.wecom.errors import StoppedError
from tests.events.conftest import Clock
from tests.events.sealing import CORP, KEY, TOKEN, event, request

DAY = 86_400
GET_BY_USER = "externalcontact/batch/get_by_user"


def _statuses(corp):
    return dict(
        corp.app.data.execute(
            "SELECT s.userid || '/' || c.external_userid, f.status FROM follow AS f"
            " JOIN staff AS s ON s.id = f.staff_id JOIN customer AS c ON c.id = f.customer_id"
        ).fetchall()
    )


def test_a_throttled_list_call_changes_no_customers_status(corp):
    before = _statuses(corp)
    who = corp.staff()[0]["userid"]
    corp.control.reset_calls()
    corp.control.fault("errcode", GET_BY_USER, errcode=45009, first=1, match=who)
    timer = threading.Timer(1.0, corp.app.stop.set)  # 45009 asks for a minute's pause: a real one
    timer.start()
    with pytest.raises(StoppedError):
        run_sync(corp.app, scopes=["follows"])
    timer.cancel()
    assert "45009" in corp.control.calls()["paths"][GET_BY_USER]["errcodes"]
    assert _statuses(corp) == before
    corp.app.close()
    for file in paths.profile_dir(corp.profile).glob("run.db*"):
        file.unlink()  # limits and token, nothing else: the pause is over
    corp.app = App.open(corp.profile)
    assert corp.sync(scopes=["follows"]).outcome == "complete"
    assert _statuses(corp) == before


def test_a_slow_sync_is_complete_and_not_cut_short(make_corp):
    corp = make_corp(follows=600)
    corp.control.settings(latency_ms=120)
    assert corp.sync(full=True).outcome == "complete"
    listed = sum(row["listed"] for row in corp.control.export("follows"))
    active = sum(status == "active" for status in _statuses(corp).values())
    assert active == listed


def test_unassigned_pages_end_and_none_is_left_out(make_corp):
    corp = make_corp(stores=2, staff=8, follows=2600)
    for member in corp.staff()[:6]:
        corp.control.act("staff_leave", userid=member["userid"])
    corp.control.reset_calls()
    corp.sync(scopes=["staff", "unassigned"])
    truth = {
        (row["handover_userid"], row["external_userid"])
        for row in corp.control.export("unassigned")
    }
    assert len(truth) > 2000
    assert corp.calls("get_unassigned_list") == 3
    found = set(
        corp.app.data.execute("SELECT handover_userid, external_userid FROM unassigned").fetchall()
    )
    assert found == truth


def test_a_cursor_is_never_sent_for_another_group_of_members(make_corp):
    corp = make_corp(stores=4, staff=230, follows=3000)
    corp.sync(full=True)
    answers = corp.control.calls()["paths"][GET_BY_USER]["errcodes"]
    assert set(answers) == {"0"}, "a foreign cursor answers 50100"
    listed = sum(row["listed"] for row in corp.control.export("follows"))
    active = sum(status == "active" for status in _statuses(corp).values())
    assert active == listed


def test_one_answer_with_three_codes_is_three_row_statuses(corp):
    from_owner, to_owner, other = (m["userid"] for m in corp.staff()[:3])
    made = corp.plan(from_owner, to=to_owner, groups=False)
    free, busy, worn = corp.customers(from_owner, without=to_owner)[:3]
    console = {"handover_userid": from_owner, "takeover_userid": other, "external_userid": [busy]}
    corp.control.call("POST", "handover/console", console)
    for _ in range(2):  # refused twice: that counts, too, and nobody here knows of it
        corp.decide(worn, "refuse")
        console["external_userid"] = [worn]
        corp.control.call("POST", "handover/console", console)
        corp.control.status()
    corp.apply(made)
    rows = {row["external_userid"]: (row["status"], row["errcode"]) for row in corp.results(made)}
    assert rows[free] == ("waiting", None)
    assert rows[busy] == ("failed", 40100)
    assert rows[worn] == ("failed", 40128)
    assert len({rows[each] for each in (free, busy, worn)}) == 3


def test_101_customers_are_two_calls_and_never_one(make_corp):
    corp = make_corp(stores=1, staff=5, follows=700)
    from_owner, to_owner = (m["userid"] for m in corp.staff()[:2])
    who = corp.customers(from_owner)[:101]
    rows = "".join(f"{each},{from_owner},{to_owner}\n" for each in who)
    file = paths.profile_dir(corp.profile) / "who.csv"
    file.write_text("external_userid,userid,takeover_userid\n" + rows)
    corp.control.reset_calls()
    made = corp.plan(file=Source(str(file)), personal_tags=False)
    corp.apply(made)
    assert (made.plan.ready, made.plan.calls) == (101, 2)
    assert corp.calls("transfer_customer") == 2
    assert corp.row_counts(made) == {"waiting": 101}


def test_leavers_and_members_in_service_never_share_an_endpoint(corp):
    owners = {g["owner"] for g in corp.control.export("groups")}
    staff = [m["userid"] for m in corp.staff()]
    leaver = next(u for u in staff if u in owners)
    from_owner = next(u for u in staff if u in owners and u != leaver)
    to_owner = next(u for u in staff if u not in (leaver, from_owner))
    corp.control.act("staff_leave", userid=leaver)
    corp.sync()
    corp.control.reset_calls()
    made = corp.hand_over(leaver, from_owner, to=to_owner)
    used = {
        path.removeprefix("externalcontact/")
        for path in corp.control.calls()["paths"]
        if "transfer" in path
    }
    assert used == {
        "transfer_customer", "resigned/transfer_customer", "groupchat/onjob_transfer",
        "groupchat/transfer",
    }  # fmt: skip
    assert corp.summary()["refused"] == 0
    late = corp.plan(from_owner, to=to_owner)
    corp.control.act("staff_leave", userid=from_owner)
    corp.sync()
    checked = corp.app.ledger.action("handover").check(
        corp.app.ledger.view(late.plan.params),
        __import__("storeops.changes.rows", fromlist=["load"]).load(corp.app.data, late.plan.id),
    )
    words = {verdict.errcode: verdict.reason for verdict in checked}
    assert set(words) & {60111, 90502}
    assert all("has left" in words[code] for code in set(words) & {60111, 90502})
    assert made.plan.blocked == 0


def test_1000_waiting_rows_are_final_within_15_minutes_of_their_moment(make_corp):
    corp = make_corp(stores=2, staff=6, follows=3000)
    from_owner, *to_owners = (m["userid"] for m in corp.staff()[:3])
    made = corp.hand_over(
        *(m["userid"] for m in corp.staff()[:3]), to=corp.staff()[3]["userid"], groups=False,
        personal_tags=False,
    )  # fmt: skip
    assert from_owner
    assert to_owners
    assert made.plan.ready >= 1000
    due = corp.app.data.execute("SELECT max(due_at) FROM handover").fetchone()[0]
    corp.control.reset_calls()
    corp.advance(due - corp.app.clock.now() + 2)
    corp.watch(until_settled=True)
    late = corp.app.data.execute(
        "SELECT max(r.at - h.due_at) FROM handover AS h JOIN plan_row AS r"
        " ON r.plan_id = h.plan_id AND r.row = h.row"
    ).fetchone()[0]
    assert late <= 15 * 60
    assert "waiting" not in corp.row_counts(made)
    assert corp.calls("transfer_result") <= 3 * 3 + made.plan.ready // 1000


def test_a_transfer_fail_event_is_resolved_by_asking_and_never_guessed(corp):
    """One taker, one customer, two handovers of different owners: the event names neither."""
    rows = corp.follows()
    people = {m["userid"] for m in corp.staff()}
    holders = {}
    for owner, external in rows:
        if owner in people:
            holders.setdefault(external, []).append(owner)
    shared, (first, second) = next((e, h[:2]) for e, h in holders.items() if len(h) > 1)
    to_owner = next(u for u in people if u not in holders[shared])
    corp.decide(shared, "refuse", 60)
    one = corp.hand_over(first, to=to_owner, groups=False)
    corp.advance(120)
    assert corp.transfer_failed(to_owner, shared) == 1
    corp.watch()
    corp.decide(shared, "wait")
    two = corp.hand_over(second, to=to_owner, groups=False)
    assert corp.statuses(two)[shared] == "waiting"
    assert corp.transfer_failed(to_owner, shared) == 1
    corp.watch()
    assert corp.statuses(one)[shared] == "refused"
    assert corp.statuses(two)[shared] == "waiting", "an event is a hint, not an answer"
    corp.advance(DAY)
    corp.watch()
    assert corp.statuses(two)[shared] == "done"


def _inbox(folder):
    return open_database(folder / "inbox.db", schema.MIGRATIONS, synchronous="FULL")


DIES_BEFORE_THE_ANSWER = """
import os, pathlib, signal, sys
from storeops.events.crypto import CallbackKeys
from storeops.events.inbox import Inbox
from storeops.events.receiver import Receiver
from tests.events.conftest import Clock
from tests.events.sealing import CORP, KEY, TOKEN, event, request
from tests.regressions.test_peer_faults import _inbox

die = lambda kept: os.kill(os.getpid(), signal.SIGKILL)
receiver = Receiver(
    Inbox(_inbox(pathlib.Path(sys.argv[1]))), CallbackKeys(TOKEN, KEY, CORP), Clock(), on_event=die
)
fields = dict(Event="change_external_contact", ChangeType="add_external_contact")
print(receiver.receive(*request(event(5, **fields, UserID="a", ExternalUserID="wm1"))))
"""


def test_an_event_is_there_after_a_crash_between_receipt_and_answer(tmp_path):
    died = subprocess.run(
        [sys.executable, "-c", DIES_BEFORE_THE_ANSWER, str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert died.stdout == "", "it was not answered, so WeCom sends it again"
    db = _inbox(tmp_path)
    (found,) = listing.events(db)
    assert (found.status, found.external_userid) == ("received", "wm1")
    fields = {"Event": "change_external_contact", "ChangeType": "add_external_contact"}
    again = request(event(5, **fields, UserID="a", ExternalUserID="wm1"), nonce="another")
    assert Receiver(Inbox(db), CallbackKeys(TOKEN, KEY, CORP), Clock()).receive(*again) == SUCCESS
    (found,) = listing.events(db)
    assert found.deliveries == 2, "the retry is the same event"
    db.close()


def test_an_undecryptable_event_is_kept_raw_answered_and_flagged(tmp_path):
    db = _inbox(tmp_path)
    other_key = KEY[::-1]
    query, body = request(event(5, Event="change_external_tag"), key=other_key)
    assert (
        Receiver(Inbox(db), CallbackKeys(TOKEN, KEY, CORP), Clock()).receive(query, body) == SUCCESS
    )
    (found,) = listing.events(db)
    assert found.status == "unreadable"
    assert found.reason
    assert [each.delivery.body for each in listing.deliveries(db, found.id)] == [body]
    assert Receiver(Inbox(db), CallbackKeys(TOKEN, other_key, CORP), Clock()).read_again() == 1
    assert listing.events(db)[0].event == "change_external_tag"
    db.close()


def test_two_tag_events_in_the_same_second_are_both_kept(tmp_path):
    """FromUserName is always sys and CreateTime has whole seconds: that is no identity."""
    db = _inbox(tmp_path)
    receiver = Receiver(Inbox(db), CallbackKeys(TOKEN, KEY, CORP), Clock())
    for tag, change in (("et1", "create"), ("et2", "create"), ("et1", "update")):
        message = event(5, Event="change_external_tag", Id=tag, TagType="tag", ChangeType=change)
        assert receiver.receive(*request(message)) == SUCCESS
    found = listing.events(db)
    assert len(found) == 3
    assert {each.create_time for each in found} == {5}
    db.close()


def test_a_dead_token_is_refreshed_once_and_ends_with_exit_4(corp):
    corp.sync()  # there is a token
    for path in ("user/*", "externalcontact/*", "department/*"):
        corp.control.fault("token", path)
    for words, apis in ((("api", "get", "department/list"), 1), (("sync", "run"), 3)):
        corp.control.reset_calls()
        done = subprocess.run(
            [sys.executable, "-m", "storeops", *words, "--json"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 4, done.stderr
        calls = {path: row["calls"] for path, row in corp.control.calls()["paths"].items()}
        fetched = calls.pop("gettoken")
        calls.pop("getcallbackip", None)  # asked for the time alone, with no token
        assert fetched == len(calls) <= apis, "one fresh token for each API that refused"
        assert set(calls.values()) == {2}, "asked again once, with the fresh token"


def test_two_processes_share_one_limit(corp):
    """Both together never have more calls in flight than one alone may have."""
    from storeops.changes import apply
    from storeops.changes.follow_requests import FollowRequest, select_follows
    from storeops.domains.tags.tag_plan import plan_tags

    tag = corp.app.data.execute("SELECT tag_id FROM tag LIMIT 1").fetchone()[0]
    selected = select_follows(
        corp.app.data,
        FollowRequest(Selection(where="status:active"), follows="all"),
        corp.app.clock.now(),
    )
    plan = plan_tags(corp.app.ledger, selected, add=[tag])
    apply.apply(corp.app.ledger, plan.name)
    corp.control.settings(latency_ms=60)
    corp.control.reset_calls()
    command = [sys.executable, "-m", "storeops", "job", "run", "--until-empty", "--json"]
    workers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    told = [json.loads(worker.communicate(timeout=90)[0]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert all(each["jobs"] for each in told), "both worked at the same time"
    assert sum(each["jobs"] for each in told) == plan.ready
    row = corp.control.calls()["paths"]["externalcontact/mark_tag"]
    assert row["calls"] == plan.ready > 100
    assert 2 <= row["max_in_flight"] <= 4
    assert set(row["errcodes"]) == {"0"}


@pytest.mark.parametrize("resigned", [False, True])
def test_a_taker_who_is_a_friend_already_ends_in_done(corp, resigned):
    rows = corp.follows()
    people = {m["userid"] for m in corp.staff()}
    holders = {}
    for owner, external in rows:
        if owner in people:
            holders.setdefault(external, []).append(owner)
    friend, (from_owner, to_owner) = next((e, h[:2]) for e, h in holders.items() if len(h) > 1)
    if resigned:
        corp.control.act("staff_leave", userid=from_owner)
        corp.sync()
    made = corp.hand_over(from_owner, to=to_owner, groups=False)
    before = len(corp.control.events())
    corp.advance(DAY)
    corp.watch()
    adds = [e for e in corp.control.events()[before:] if e["change_type"] == "add_external_contact"]
    assert friend not in {event["ExternalUserID"] for event in adds}
    assert corp.statuses(made)[friend] == "done"
