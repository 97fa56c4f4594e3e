"""Receiving: prove, keep, answer; what is a repeat and what is not; nothing stored unproved."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storeops.database.database import Database
from storeops.events.crypto import CallbackKeys
from storeops.events.inbox import Inbox
from storeops.events.listing import deliveries, event, events, standing
from storeops.events.message import encrypted_part, read_message
from storeops.events.receiver import MAX_BODY, SUCCESS, Receiver, Refused
from tests.events.sealing import CORP, KEY, TOKEN, request, seal, shell, sign
from tests.events.sealing import event as xml

ADD = {
    "Event": "change_external_contact",
    "ChangeType": "add_external_contact",
    "UserID": "clerk_01",
    "ExternalUserID": "wmSandboxCust0001",
}


def refused(receiver: Receiver, query: dict[str, str], body: bytes) -> str:
    with pytest.raises(Refused) as caught:
        receiver.receive(query, body)
    return caught.value.reason


def test_an_event_is_on_disk_when_the_answer_is_given(
    receiver: Receiver, inbox_db: Database
) -> None:
    query, body = request(xml(1767225600, **ADD))
    assert receiver.receive(query, body) == SUCCESS
    other = Inbox(Database(inbox_db.path))  # as after a crash: nothing of the first connection
    (found,) = events(other.db)
    other.db.close()
    assert (found.status, found.event, found.change_type, found.create_time) == (
        "received", "change_external_contact", "add_external_contact", 1767225600,
    )  # fmt: skip
    assert (found.userid, found.external_userid, found.subject) == (
        "clerk_01", "wmSandboxCust0001", "customer:wmSandboxCust0001",
    )  # fmt: skip
    (arrived,) = deliveries(inbox_db, found.id)
    assert arrived.delivery.body == body
    assert arrived.delivery.msg_signature == query["msg_signature"]
    assert stat.S_IMODE(inbox_db.path.stat().st_mode) == 0o600
    assert inbox_db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL


def test_the_check_of_the_address_answers_the_bare_plaintext(receiver: Receiver) -> None:
    sealed = seal(b"7300218845512048123")
    query = {"msg_signature": sign("1", "2", sealed), "timestamp": "1", "nonce": "2"}
    assert receiver.verify({**query, "echostr": sealed}) == b"7300218845512048123"
    for wrong in ({**query, "echostr": sealed, "nonce": "3"}, query, {}):
        with pytest.raises(Refused):
            receiver.verify(wrong)
    foreign = seal(b"1", corp="ww0000000000000009")
    query = {"msg_signature": sign("1", "2", foreign), "timestamp": "1", "nonce": "2"}
    with pytest.raises(Refused):
        receiver.verify({**query, "echostr": foreign})


def test_a_bad_signature_is_refused_counted_and_not_stored(
    receiver: Receiver, inbox_db: Database
) -> None:
    query, body = request(xml(1, **ADD))
    assert refused(receiver, {**query, "msg_signature": "0" * 40}, body) == "signature"
    assert refused(receiver, {**query, "timestamp": "1767225601"}, body) == "signature"
    assert refused(receiver, {**query, "nonce": ""}, body) == "malformed"
    assert refused(receiver, {}, body) == "malformed"
    assert refused(receiver, query, b"") == "malformed"
    assert refused(receiver, query, b"<xml></xml>") == "malformed"
    receiver.flush()
    found = standing(inbox_db)
    assert found.refused == {"signature": 2, "malformed": 4}
    assert sum(found.counts.values()) == 0
    assert inbox_db.execute("SELECT count(*) FROM delivery").fetchone()[0] == 0
    receiver.flush()
    assert standing(inbox_db).refused == {"signature": 2, "malformed": 4}


def test_a_retry_signed_anew_is_the_same_event(receiver: Receiver, inbox_db: Database) -> None:
    """Fresh random bytes, nonce and time, the same message: what WeCom does without an answer."""
    message = xml(1767225600, **ADD)
    for nonce in ("1", "2", "3", "4"):
        receiver.receive(*request(message, nonce=nonce, timestamp=f"176722560{nonce}"))
    (found,) = events(inbox_db)
    assert found.deliveries == 4
    assert len({each.delivery.body for each in deliveries(inbox_db, found.id)}) == 4


def test_a_replay_of_the_very_same_request_changes_nothing(
    receiver: Receiver, inbox_db: Database
) -> None:
    query, body = request(xml(1767225600, **ADD))
    inbox = Inbox(inbox_db)
    receiver.receive(query, body)
    handle(inbox, 1.0)
    for _ in range(5):
        assert receiver.receive(query, body) == SUCCESS
    (found,) = events(inbox_db)
    assert (found.status, found.due_at, found.deliveries) == ("handled", None, 6)
    assert len(deliveries(inbox_db, found.id)) == 1


def handle(inbox: Inbox, now: float) -> None:
    from storeops.events.inbox import Done

    works = inbox.claim(now + 1e10)
    done = [
        Done(each.id, work.claim, "handled", "", None, 0, None)
        for work in works
        for each in work.events
    ]
    inbox.finish(done, now)


def test_a_message_that_comes_again_after_it_was_handled_is_handled_again(
    receiver: Receiver, inbox_db: Database
) -> None:
    """Two edits within one second look like a repeat: the second must not be swallowed."""
    message = xml(1767225600, **{**ADD, "ChangeType": "edit_external_contact"})
    inbox = Inbox(inbox_db)
    receiver.receive(*request(message, nonce="1"))
    handle(inbox, 1.0)
    receiver.receive(*request(message, nonce="2"))
    (found,) = events(inbox_db)
    assert found.status == "received"
    assert found.due_at is not None


def test_what_comes_again_while_it_is_handled_stays_due(
    receiver: Receiver, inbox_db: Database, clock: Any
) -> None:
    from storeops.events.inbox import Done

    message = xml(1767225600, **ADD)
    inbox = Inbox(inbox_db)
    receiver.receive(*request(message, nonce="1"))
    (work,) = inbox.claim(clock.now())
    receiver.receive(*request(message, nonce="2"))
    inbox.finish([Done(work.events[0].id, work.claim, "handled", "", None, 0, None)], clock.now())
    (found,) = events(inbox_db)
    assert found.status == "received"
    assert found.due_at == clock.now()


def test_what_one_process_took_nobody_else_takes_until_it_has_died(
    receiver: Receiver, inbox_db: Database, clock: Any
) -> None:
    for number in range(3):
        receiver.receive(*request(xml(number, **ADD)))
    inbox = Inbox(inbox_db)
    (work,) = inbox.claim(clock.now())
    assert len(work.events) == 3, "one subject is one piece of work"
    assert inbox.claim(clock.now()) == []
    (again,) = inbox.claim(clock.now() + 121)
    assert again.events[0].id == work.events[0].id


def test_json_shells_are_taken_too(receiver: Receiver, inbox_db: Database) -> None:
    sealed = seal(xml(7, **ADD))
    query, _xml = shell(sealed, "1", "2")
    body = json.dumps({"tousername": CORP, "encrypt": sealed, "agentid": "1"}).encode()
    assert receiver.receive(query, body) == SUCCESS
    assert events(inbox_db)[0].create_time == 7


@pytest.mark.parametrize(
    ("message", "reason"),
    [(b"not xml", "format"), (b"", "format"), (b"<xml/>", "format"), (b"[1]", "format"),
     (b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Event>&a;</Event></xml>', "format")],
)  # fmt: skip
def test_signed_but_not_to_be_read_is_kept_raw_and_flagged(
    receiver: Receiver, inbox_db: Database, message: bytes, reason: str
) -> None:
    query, body = request(message)
    assert receiver.receive(query, body) == SUCCESS
    (found,) = events(inbox_db)
    assert (found.status, found.reason, found.due_at) == ("unreadable", reason, None)
    assert deliveries(inbox_db, found.id)[0].delivery.body == body


def test_what_another_corp_was_meant_to_get_is_flagged_and_never_handled(
    receiver: Receiver, inbox_db: Database, clock: Any
) -> None:
    assert receiver.receive(*request(xml(1, **ADD), corp="ww0000000000000009")) == SUCCESS
    (found,) = events(inbox_db)
    assert (found.status, found.reason) == ("unreadable", "receiver")
    assert Inbox(inbox_db).claim(clock.now() + 1e6) == []


def test_the_right_key_reads_what_the_wrong_one_could_not(
    receiver: Receiver, inbox_db: Database, clock: Any
) -> None:
    wrong = Receiver(Inbox(inbox_db), CallbackKeys(TOKEN, KEY[::-1], CORP), clock)
    first, second = xml(1, **ADD), xml(2, **ADD)
    wrong.receive(*request(first, nonce="1"))
    wrong.receive(*request(first, nonce="2"))  # a retry: nobody can know that yet
    wrong.receive(*request(second, nonce="3"))
    assert {each.status for each in events(inbox_db)} == {"unreadable"}
    assert receiver.read_again() == 3
    found = events(inbox_db)
    assert [each.status for each in found] == ["received", "received"]
    assert sorted(each.deliveries for each in found) == [1, 2]
    assert sum(len(deliveries(inbox_db, each.id)) for each in found) == 3
    assert wrong.read_again() == 0


def test_unknown_and_incomplete_events_are_kept_and_have_nothing_to_do(
    receiver: Receiver, inbox_db: Database
) -> None:
    for at, fields in enumerate(
        [
            {"Event": "sys_approval_change"},
            {"Event": "change_external_contact", "ChangeType": "from_the_future"},
            {"Event": "customer_acquisition", "ChangeType": "del_follow_user", "UserID": "a"},
            {**ADD, "ExternalUserID": ""},
            {"Event": "change_external_tag", "ChangeType": "create", "Id": "x",
             "StrategyId": "7"},
        ]
    ):  # fmt: skip
        receiver.receive(*request(xml(at, **fields)))
    found = events(inbox_db)
    assert {each.status for each in found} == {"kept"}
    assert [each.reason for each in reversed(found)] == [
        "unknown", "unknown", "unknown", "incomplete", "elsewhere",
    ]  # fmt: skip
    assert standing(inbox_db).waiting == 0


def test_control_characters_in_a_name_do_not_lose_the_event() -> None:
    message = read_message(b"<xml><Event>change_contact</Event><Name>a\x00\x1b[31mb</Name></xml>")
    assert message.fields["Name"] == "a[31mb"


def test_a_message_is_read_with_its_lists_and_depths() -> None:
    text = (
        b"<xml><Event>change_external_chat</Event><CreateTime>12x</CreateTime>"
        b"<MemChangeList><Item>a</Item><Item>b</Item><Item>c</Item></MemChangeList><Empty/></xml>"
    )
    message = read_message(text)
    assert message.fields["MemChangeList"] == {"Item": ["a", "b", "c"]}
    assert message.fields["Empty"] == ""
    assert message.create_time == 0


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;'
    b'&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;'
    b'&c;&c;&c;&c;&c;">]><xml><Encrypt>&d;</Encrypt></xml>'
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Encrypt>&e;</Encrypt></xml>'


@pytest.mark.parametrize(
    "body", [BOMB, OUTSIDE, b"<a>" * 90_000, b"<a>" * 90_000 + b"</a>" * 90_000,
             b'{"encrypt":' + b"[" * 200_000, b"\x00", b"\xff\xfe<", b"{}", b"[]", b'{"encrypt":7}',
             b'<?xml version="1.0" encoding="no-such"?><xml><Encrypt>a</Encrypt></xml>'],
    ids=range(11),
)  # fmt: skip
def test_bombs_and_noise_are_refused(receiver: Receiver, body: bytes) -> None:
    query = {"msg_signature": "0" * 40, "timestamp": "1", "nonce": "2"}
    assert refused(receiver, query, body) in ("malformed", "signature")


def test_a_deep_message_inside_the_seal_is_flagged(receiver: Receiver, inbox_db: Database) -> None:
    receiver.receive(*request(b"<a>" * 40 + b"<b/>" + b"</a>" * 40))
    assert events(inbox_db)[0].status == "unreadable"


def test_a_giant_body_is_refused(receiver: Receiver) -> None:
    query, body = request(xml(1, **ADD))
    assert refused(receiver, query, body + b" " * MAX_BODY) == "too_large"


@given(st.binary(max_size=400))
def test_any_body_is_refused_or_read_and_never_a_crash(noise: bytes) -> None:
    for body in (noise, b"<xml>" + noise + b"</xml>", b'{"encrypt":"' + noise + b'"}'):
        found = encrypted_part(body)
        assert found is None or isinstance(found, str)


def test_counts_that_cannot_be_written_are_kept_for_later(
    receiver: Receiver, inbox_db: Database
) -> None:
    from storeops.errors import StoreOpsError

    refused(receiver, {}, b"")
    inbox_db.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreOpsError):
        receiver.flush()
    inbox_db.execute("PRAGMA query_only = OFF")
    receiver.flush()
    assert standing(inbox_db).refused == {"malformed": 1}


def test_a_full_disk_is_not_answered_with_success(receiver: Receiver, inbox_db: Database) -> None:
    from storeops.errors import StoreOpsError

    inbox_db.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreOpsError):
        receiver.receive(*request(xml(1, **ADD)))
    inbox_db.execute("PRAGMA query_only = OFF")
    assert events(inbox_db) == []


def test_forgetting_leaves_what_still_waits(
    receiver: Receiver, inbox_db: Database, clock: Any
) -> None:
    inbox = Inbox(inbox_db)
    receiver.receive(*request(xml(1, **ADD)))
    handle(inbox, clock.now())
    receiver.receive(*request(xml(2, **ADD)))
    assert inbox.forget(before=clock.now() + 1) == 1
    (left,) = events(inbox_db)
    assert left.status == "received"
    assert event(inbox_db, left.id)[1] is not None
    assert inbox_db.execute("SELECT count(*) FROM delivery").fetchone()[0] == 1
