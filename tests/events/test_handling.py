"""What events do to the mirror, with a sandbox that calls back over a real socket."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from storeops import i18n
from storeops.domains.handover.watch import watch
from storeops.errors import NetworkError, StoreOpsError
from storeops.events.listing import events, standing
from storeops.mirror import timeline
from storeops.operations import events as callbacks
from tests.events.calling_corp import CallingCorp

TOLD = (  # acts that WeCom calls back about
    "follow_add", "remark_edit", "tag_mark", "personal_tag", "follow_delete",
    "deleted_by_customer", "customer_new", "group_join", "group_leave", "group_create",
    "group_dissolve", "group_rename", "group_owner", "staff_move", "staff_edit", "staff_leave",
    "tag_create", "tag_rename", "department_create", "department_rename",
)  # fmt: skip


def act(called: CallingCorp, name: str, seed: int) -> None:
    how = {"name": f"改名{seed}"} if name == "staff_edit" else {}
    called.control.act(name, seed=seed, **how)


def test_the_mirror_after_events_is_what_a_sync_would_read(called: CallingCorp) -> None:
    """Every act that is called back about, several times over, out of order and repeated."""
    called.control.settings(callback_reorder=7, callback_repeat_rate=0.3, callback_parallel=4)
    for seed in range(5):
        for name in TOLD:
            try:
                act(called, name, seed)
            except Exception as error:
                assert type(error).__name__ == "ControlError"  # noqa: PT017 - nobody fits
    called.settle()
    for _ in range(4):  # an adding whose end was told before is asked for three times
        called.corp.advance(600)
        callbacks.handle(called.app)
    found = standing(called.app.inbox)
    assert (found.waiting, found.counts["failed"]) == (0, 0)
    assert found.counts["handled"] > 80
    # who left owns groups still; that those wait for an owner is told by groupchat/list only
    chats = (
        "SELECT chat_id, name, owner_userid, member_count, external_count, member_version, notice,"
        " admins, status FROM group_chat ORDER BY chat_id"
    )
    before = called.app.data.execute(chats).fetchall()
    result = called.corp.sync(scopes=["departments", "staff", "tags", "follows", "groups"])
    assert called.app.data.execute(chats).fetchall() == before
    changed = {
        each.scope: (each.added, each.changed, each.missing, each.lost)
        for each in result.scopes
        if each.scope != "groups"
        and (each.added, each.changed, each.missing, each.lost) != (0, 0, 0, 0)
    }
    news = called.app.data.execute(
        "SELECT field, before, after FROM timeline WHERE source = 'sync' AND ref = ?",
        (str(result.run_id),),
    ).fetchall()
    assert (changed, news) == ({}, [])


def test_adding_editing_and_deleting(called: CallingCorp) -> None:
    who = called.corp.staff()[0]["userid"]
    new = called.control.act("customer_new", userid=who, name="王小姐", state="poster_07")
    pair = (who, new["external_userid"])
    called.settle()
    assert called.status_of(*pair) == ("active", None, "")
    called.control.act("remark_edit", userid=who, external_userid=pair[1], remark="老客户")
    called.settle()
    assert called.status_of(*pair) == ("active", None, "老客户")
    gone = called.control.act("deleted_by_customer", userid=who, external_userid=pair[1])
    called.settle()
    assert called.status_of(*pair) == ("active", gone["deleted_by_customer_at"], "老客户")
    called.corp.sync(scopes=["follows"])
    assert called.status_of(*pair) == ("active", gone["deleted_by_customer_at"], "老客户")
    called.control.act("follow_delete", userid=who, external_userid=pair[1])
    called.settle()
    found = called.status_of(*pair)
    assert found is not None
    assert found[0] == "lost"
    told = {(e.source, e.field) for e in timeline.of_customer(called.app.data, pair[1])}
    assert told == {
        ("event", "follow"), ("event", "remark"), ("event", "deleted_by_customer"),
        ("event", "status"), ("event", "deleted_by_member"),
    }  # fmt: skip


def test_events_about_one_customer_are_one_reading(called: CallingCorp) -> None:
    who, external = next(iter(called.corp.follows()))
    for number in range(12):
        called.control.act(
            "remark_edit", userid=who, external_userid=external, remark=f"第{number}"
        )
    called.delivered()
    called.control.reset_calls()
    assert callbacks.handle(called.app).subjects == 1
    assert called.corp.calls("get") == 1
    found = called.status_of(who, external)
    assert found is not None
    assert found[2] == "第11"


def test_a_late_delete_of_what_was_added_again_loses_nobody(called: CallingCorp) -> None:
    """Reordered: the deletion arrives after the customer has come back."""
    who, external = next(iter(called.corp.follows()))
    called.control.act("deleted_by_customer", userid=who, external_userid=external)
    called.control.advance(60)
    called.control.act("follow_add", userid=who, external_userid=external)
    rows = called.control.events()[-2:]
    called.control.call("DELETE", "callback")
    from storeops.events.inbox import Inbox
    from storeops.events.receiver import Receiver
    from storeops.sandbox.callback.event_xml import event_xml
    from tests.events.sealing import request

    receiver = Receiver(Inbox(called.app.inbox), called.keys, called.app.clock)
    for row in reversed(rows):
        message = event_xml(row, called.keys.receiver)
        receiver_keys = {"key": called.keys.encoding_aes_key, "corp": called.keys.receiver}
        query, body = request(message, **receiver_keys)
        query["msg_signature"] = _signed(called, query, body)
        receiver.receive(query, body)
        callbacks.handle(called.app)
    found = called.status_of(who, external)
    assert found is not None
    assert found[:2] == ("active", None)


def _signed(called: CallingCorp, query: dict[str, str], body: bytes) -> str:
    from storeops.events.message import encrypted_part
    from tests.events.sealing import sign

    sealed = encrypted_part(body)
    assert sealed is not None
    return sign(query["timestamp"], query["nonce"], sealed, called.keys.token)


def test_deleted_and_renamed_tags_and_dissolved_groups(called: CallingCorp) -> None:
    db = called.app.data
    gone = called.control.act("tag_delete")
    renamed = called.control.act("tag_rename", name="新名字")
    chat = called.control.act("group_dissolve")["chat_id"]
    called.settle()
    told = "SELECT deleted_at IS NOT NULL, name FROM tag WHERE tag_id = ?"
    assert db.execute(told, (gone["id"],)).fetchone() == (1, gone["name"])
    assert db.execute(told, (renamed["id"],)).fetchone() == (0, "新名字")
    status = db.execute("SELECT status FROM group_chat WHERE chat_id = ?", (chat,)).fetchone()
    assert status == ("dissolved",)


def test_who_leaves_leaves_unassigned_customers_at_once(called: CallingCorp) -> None:
    who = called.corp.staff()[0]["userid"]
    count = called.control.act("staff_leave", userid=who)["unassigned"]
    called.settle()
    statuses = called.app.data.execute(
        "SELECT f.status, count(*) FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
        " WHERE s.userid = ? AND f.status <> 'lost' GROUP BY 1",
        (who,),
    ).fetchall()
    assert statuses == [("unassigned", count)]


def test_a_repeated_edit_of_a_leaver_keeps_the_customers_unassigned(called: CallingCorp) -> None:
    """WeCom goes on listing nothing of a leaver; an old event must not wake the follow."""
    who, external = next(iter(called.corp.follows()))
    called.control.act("remark_edit", userid=who, external_userid=external, remark="x")
    called.control.act("staff_leave", userid=who)
    called.settle()
    found = called.status_of(who, external)
    assert found is not None
    assert found[0] == "unassigned"


def test_an_old_deletion_handled_again_spares_who_came_back_and_was_left(
    called: CallingCorp,
) -> None:
    """Deleted, added again, then the member left: the customer waits, and is not lost."""
    from storeops.events.inbox import Inbox

    who, external = next(iter(called.corp.follows()))
    called.control.act("follow_delete", userid=who, external_userid=external)
    called.settle()
    called.control.advance(60)
    called.control.act("follow_add", userid=who, external_userid=external)
    called.settle()
    called.control.act("staff_leave", userid=who)
    called.settle()
    (old,) = events(called.app.inbox, change="del_external_contact")
    Inbox(called.app.inbox).retry([old.id], called.app.clock.now())
    callbacks.handle(called.app)
    found = called.status_of(who, external)
    assert found is not None
    assert found[0] == "unassigned"


def test_a_failed_handover_is_asked_about_at_once(called: CallingCorp) -> None:
    """Refused after an hour: the watch knows then, and not after a day."""
    from_owner, to_owner = (m["userid"] for m in called.corp.staff()[:2])
    external = called.corp.customers(from_owner, without=to_owner)[0]
    called.corp.decide(external, "refuse", 3600)
    made = called.corp.hand_over(from_owner, to=to_owner, groups=False)
    called.corp.advance(3700)
    called.control.status()  # lets it happen
    assert watch(called.app.ledger, called.app.client).calls == 0, "nothing is due before the event"
    called.settle()
    (event,) = events(called.app.inbox, change="transfer_fail")
    assert (event.status, event.userid.lower()) == ("handled", to_owner.lower())
    called.corp.watch()
    statuses = called.corp.statuses(made)
    assert statuses[external] == "refused"
    assert {status for who, status in statuses.items() if who != external} == {"waiting"}


def test_what_fails_is_tried_again_later_and_holds_up_nobody(called: CallingCorp) -> None:
    (who, bad), (other, good) = list(called.corp.follows())[:2]
    called.control.fault("errcode", "externalcontact/get", errcode=40058, match=bad)
    called.control.act("remark_edit", userid=who, external_userid=bad, remark="坏")
    called.control.act("remark_edit", userid=other, external_userid=good, remark="好")
    done = called.settle()
    assert dict(done.events) == {"failed": 1, "handled": 1}
    (failed,) = events(called.app.inbox, statuses=["failed"])
    assert (failed.attempts, failed.errcode, failed.external_userid) == (1, 40058, bad)
    assert failed.due_at is not None
    assert "40058" in failed.reason
    assert callbacks.handle(called.app).subjects == 0, "not before it is due"
    called.control.clear_faults()
    called.corp.advance(20)
    assert callbacks.handle(called.app).events["handled"] == 1
    found = called.status_of(who, bad)
    assert found is not None
    assert found[2] == "坏"


def test_it_gives_up_after_ten_failures_and_a_retry_begins_anew(called: CallingCorp) -> None:
    from storeops.events.inbox import Inbox
    from storeops.retrying import EVENT

    who, external = next(iter(called.corp.follows()))
    called.control.fault("errcode", "externalcontact/get", errcode=40058)
    called.control.act("remark_edit", userid=who, external_userid=external, remark="x")
    called.settle()
    for _ in range(EVENT.tries - 1):
        called.corp.advance(6 * 3600 + 60)
        callbacks.handle(called.app)
    (failed,) = events(called.app.inbox, statuses=["failed"])
    assert (failed.attempts, failed.due_at) == (EVENT.tries, None)
    called.control.clear_faults()
    assert Inbox(called.app.inbox).retry([failed.id], called.app.clock.now()) == 1
    assert callbacks.handle(called.app).events["handled"] == 1


def test_a_refusal_of_this_machine_puts_everything_back(called: CallingCorp) -> None:
    pairs = list(called.corp.follows())[:6]
    for who, external in pairs:
        called.control.act("remark_edit", userid=who, external_userid=external, remark="x")
    called.delivered()
    fault = called.control.fault("errcode", "externalcontact/get", errcode=60020)
    with pytest.raises(StoreOpsError) as caught:
        callbacks.handle(called.app)
    assert int(caught.value.exit_code) == 4
    found = events(called.app.inbox)
    assert {(each.status, each.attempts) for each in found} == {("received", 0)}
    called.control.clear_faults(fault)
    called.corp.advance(90)
    assert callbacks.handle(called.app).events["handled"] == 6


@pytest.mark.parametrize(
    ("fault", "english", "chinese"),
    [
        ({"kind": "html"}, "but not as WeCom does: it is not JSON", "不是 JSON"),
        ({"kind": "errcode", "errcode": 40058}, "(40058)", "40058"),
    ],
)
def test_why_an_event_failed_is_its_own_cause_in_the_language_of_who_asks(
    called: CallingCorp, fault: dict[str, Any], english: str, chinese: str
) -> None:
    who, external = next(iter(called.corp.follows()))
    called.control.act("remark_edit", userid=who, external_userid=external, remark="x")
    called.delivered()
    called.control.fault(fault.pop("kind"), "externalcontact/get", **fault)
    before = i18n.language()
    try:
        i18n.use("zh_CN")
        with suppress(StoreOpsError):
            callbacks.handle(called.app)
        (event,) = events(called.app.inbox)
        assert chinese in event.reason
        assert not event.reason.isascii()
        i18n.use("en")
        (event,) = events(called.app.inbox)
        assert english in event.reason
        assert event.reason.isascii()
    finally:
        i18n.use(before)


def test_without_a_network_at_most_one_event_loses_a_try(called: CallingCorp) -> None:
    for who, external in list(called.corp.follows())[:6]:
        called.control.act("remark_edit", userid=who, external_userid=external, remark="x")
    called.delivered()
    called.corp.sandbox.stop()
    with pytest.raises(NetworkError):
        callbacks.handle(called.app)
    attempts = sorted(each.attempts for each in events(called.app.inbox))
    assert attempts == [0, 0, 0, 0, 0, 1]


def test_an_added_relation_that_is_not_listed_yet_is_asked_for_again(called: CallingCorp) -> None:
    who = called.corp.staff()[0]["userid"]
    new = called.control.act("customer_new", userid=who)
    fault = called.control.fault(
        "errcode", "externalcontact/get", errcode=84061, match=new["external_userid"]
    )
    called.settle()
    (event,) = events(called.app.inbox)
    assert (event.status, event.attempts, event.reason) == ("received", 1, "not_listed")
    called.control.clear_faults(fault)
    called.corp.advance(20)
    callbacks.handle(called.app)
    assert called.status_of(who, new["external_userid"]) is not None


def test_what_a_job_writes_while_an_event_is_read_is_not_undone(
    called: CallingCorp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that was on its way must not overwrite what a job has done since."""
    from storeops.events import subjects
    from storeops.mirror.facts import remark_changed
    from storeops.wecom import customers

    who, external = next(iter(called.corp.follows()))
    called.control.act("remark_edit", userid=who, external_userid=external, description="seen")
    called.delivered()
    read, times = subjects.read, []

    def slow(client, work):  # type: ignore[no-untyped-def]
        found = read(client, work)
        if not times:  # the job answers while the event's answer is on its way
            customers.remark(called.app.client, who, external, remark="by the job")
            now = int(called.app.clock.now())
            remark_changed(
                called.app.data, who, external, remark="by the job", source="job", ref="1", now=now
            )
        times.append(1)
        return found

    monkeypatch.setattr(subjects, "read", slow)
    assert callbacks.handle(called.app).events["handled"] == 1
    assert len(times) == 2, "read again"
    row = called.app.data.execute(
        "SELECT f.remark, f.description FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
        " JOIN customer AS c ON c.id = f.customer_id WHERE s.userid = ? AND c.external_userid = ?",
        (who, external),
    ).fetchone()
    assert row == ("by the job", "seen")


def test_what_comes_in_while_it_is_read_is_read_for(
    called: CallingCorp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer event of the same customer makes the older answer worthless."""
    from storeops.events import subjects

    who, external = next(iter(called.corp.follows()))
    called.control.act("remark_edit", userid=who, external_userid=external, remark="one")
    called.delivered()
    read, times = subjects.read, []

    def slow(client, work):  # type: ignore[no-untyped-def]
        found = read(client, work)
        times.append(len(work.events))
        if len(times) == 1:
            called.control.act("remark_edit", userid=who, external_userid=external, remark="two")
            called.delivered()
        return found

    monkeypatch.setattr(subjects, "read", slow)
    callbacks.handle(called.app)
    found = called.status_of(who, external)
    assert found is not None
    assert found[2] == "two"
    assert {each.status for each in events(called.app.inbox)} == {"handled"}


def test_a_poisonous_event_is_told_as_a_bug_and_holds_up_nobody(
    called: CallingCorp, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storeops.events import subjects

    (who, bad), (other, good) = list(called.corp.follows())[:2]
    read = subjects.read

    def poisoned(client, work):  # type: ignore[no-untyped-def]
        if work.subject.id == bad:
            raise KeyError("poison")
        return read(client, work)

    monkeypatch.setattr(subjects, "read", poisoned)
    called.control.act("remark_edit", userid=who, external_userid=bad, remark="x")
    called.control.act("remark_edit", userid=other, external_userid=good, remark="y")
    done = called.settle()
    assert dict(done.events) == {"failed": 1, "handled": 1}
    (failed,) = events(called.app.inbox, statuses=["failed"])
    assert failed.reason == "KeyError (bug)"


def test_what_was_handled_while_a_sync_ran_is_read_again_after_it(called: CallingCorp) -> None:
    """The sync writes a page it had read before the event: the mirror must not keep that."""
    callbacks.handle(called.app)  # knows the runs there are
    who, external = next(iter(called.corp.follows()))
    db = called.app.data
    began = called.app.clock.now()
    called.control.act("remark_edit", userid=who, external_userid=external, remark="new")
    assert called.settle().events["handled"] == 1
    # what a sync that began before the event does with its old page
    from storeops.mirror.facts import remark_changed

    remark_changed(db, who, external, remark="old", source="sync", ref="9", now=int(began))
    with db.atomic() as connection:
        connection.execute(
            "INSERT INTO sync_run (started_at, finished_at, heartbeat_at, mode, scopes, outcome)"
            " VALUES (?, ?, ?, 'normal', '[]', 'complete')",
            (began - 10, began + 10, began),
        )
    assert callbacks.handle(called.app).events["handled"] == 1
    found = called.status_of(who, external)
    assert found is not None
    assert found[2] == "new"
    assert callbacks.handle(called.app).subjects == 0, "once is enough"


def test_events_and_the_watch_agree_about_a_handover(called: CallingCorp) -> None:
    """Some agree at once, one refuses, one deletes the giver: events come before the answers."""
    from_owner, to_owner = (m["userid"] for m in called.corp.staff()[:2])
    free = called.corp.customers(from_owner, without=to_owner)
    called.corp.decide(free[:5], "accept", 60)
    called.corp.decide(free[5], "refuse", 60)
    called.corp.decide(free[6], "delete", 60)
    made = called.corp.hand_over(from_owner, to=to_owner, groups=False)
    called.corp.advance(120)
    called.control.status()
    called.settle()
    for external in free[:5]:
        gone, here = called.status_of(from_owner, external), called.status_of(to_owner, external)
        assert gone is not None
        assert here is not None
        assert (gone[0], here[0]) == ("handed_over", "active")
    called.corp.advance(86_400)
    called.corp.watch(until_settled=True)
    called.settle()
    called.corp.compare()
    statuses = called.corp.statuses(made)
    assert statuses[free[0]] == "done"
    assert statuses[free[5]] == "refused"
    listed = {
        (row["userid"], row["external_userid"])
        for row in called.control.export("follows")
        if row["listed"]
    }
    mirrored = set(
        called.app.data.execute(
            "SELECT s.userid, c.external_userid FROM follow AS f JOIN staff AS s"
            " ON s.id = f.staff_id JOIN customer AS c ON c.id = f.customer_id"
            " WHERE f.status = 'active'"
        ).fetchall()
    )
    assert mirrored == listed
