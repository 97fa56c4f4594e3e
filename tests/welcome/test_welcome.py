"""New customers are greeted once, with what their rule says, within the life of their code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from storeops.domains.welcome import log
from storeops.domains.welcome.rules import Newcomer, WelcomeRule, chosen, rules
from storeops.errors import NotFoundError, UsageError
from storeops.operations import at_once
from tests.chaos.test_welcome import drill
from tests.welcome.conftest import Door

HELLO = 'text = "Hello from {member}."'


def test_a_new_customer_gets_the_text_and_what_goes_with_it_once(door: Door) -> None:
    door.rule(
        'text = "您好，我是{store}的{member}。{state}"\n'
        '[image]\nurl = "https://wework.qpic.example/a.png"\n'
        '[link]\ntitle = "Menu"\nurl = "https://s.example/menu"\nabout = "New today."\n'
    )
    who = door.arrive(state="store_sz_012")
    (done,) = door.greet()
    name, store = door.app.data.execute(
        "SELECT s.name, d.name FROM staff s JOIN department d ON d.id = s.main_department"
        " WHERE userid = ?",
        (who["userid"],),
    ).fetchone()
    assert door.seen(who) == [
        ("text", f"您好，我是{store}的{name}。store_sz_012"),
        ("image", "https://wework.qpic.example/a.png"),
        ("link", "Menu\nhttps://s.example/menu"),
    ]
    assert (done.status, done.rule, done.state, done.tries) == ("sent", "all", "store_sz_012", 1)
    assert done.latency_s is not None
    door.greet()  # the lane of another process looks at the same events again
    assert door.sends() == 1


def test_those_whom_no_rule_or_no_code_fits_are_left_alone(door: Door) -> None:
    assert door.greet() == []
    door.arrive()
    assert door.greet() == [], "without any rule nothing is kept"
    door.rule(f'{HELLO}\nstate = ["spring-*"]')
    stranger = door.arrive(state="autumn-1")
    colleague = door.arrive(state="spring-1", type=2)  # a WeCom user has no code
    elsewhere = door.arrive(state="spring-1", greets=False)  # the console greets
    spring = door.arrive(state="spring-1")
    found = {each.external_userid: each.status for each in door.greet(statuses=log.STATUSES)}
    assert found[stranger["external_userid"]] == "no_rule"
    assert found[spring["external_userid"]] == "sent"
    assert not {colleague["external_userid"], elsewhere["external_userid"]} & set(found)
    assert [bool(door.seen(each)) for each in (stranger, colleague, elsewhere, spring)] == [
        False, False, False, True,
    ]  # fmt: skip


def test_a_code_that_is_too_old_is_told_and_never_sent_twice(door: Door) -> None:
    door.rule(HELLO)
    who = door.arrive()
    door.called.delivered()
    door.called.corp.advance(21)
    (done,) = door.greet()
    assert (done.status, done.errcode, door.seen(who)) == ("late", 41050, [])
    missed = door.arrive()
    door.called.delivered()
    door.called.corp.advance(30)  # no clock is so wrong: nothing is asked
    before = door.sends()
    late = door.greet()[-1]
    assert (late.status, late.tries, door.sends()) == ("late", 0, before)
    assert "20 seconds" in late.note
    assert _journal(door, missed["external_userid"]) == []
    # a replay of hours ago is no news
    door.control.call("DELETE", "callback")
    since = door.control.call("GET", "events?limit=0")["total"]
    door.arrive()
    door.called.corp.advance(7_200)
    door.called.save(after=since)
    assert len(door.greet()) == 2


def test_another_app_that_greets_first_is_waited_for_and_left_alone(door: Door) -> None:
    door.rule(HELLO)
    door.control.settings(welcome_delivery_s=8)
    who = door.arrive()
    door.called.delivered()
    code = door.control.events(0)[-1]["welcome_code"]
    other = door.app.client.post(
        "externalcontact/send_welcome_msg", dict[str, Any],
        {"welcome_code": code, "text": {"content": "first"}},
    )  # fmt: skip
    assert other["errcode"] == 0

    def end_its_delivery() -> None:
        door.until(lambda: door.sends() > 1)  # ours has been told that it is under way
        door.called.corp.advance(8)

    ending = threading.Thread(target=end_its_delivery)
    ending.start()
    (done,) = door.greet()
    ending.join()
    assert (done.status, done.errcode) == ("other", 41051)
    assert done.tries > 1, "41096 is no proof of a delivery"
    assert door.seen(who) == [("text", "first")]


def test_trouble_with_the_call(door: Door) -> None:
    door.rule(HELLO)
    ends = []
    for kind, how in (
        ("errcode", {"errcode": -1}), ("errcode", {"errcode": 45033}),
        ("errcode", {"errcode": 41053}), ("lost", {}), ("cut", {}),
    ):  # fmt: skip
        door.fault(kind, **how)
        who = door.arrive()
        ends.append((door.greet()[-1].status, len(door.seen(who))))
    # of a call that was carried out unheard, the second answer proves nothing; of one that was
    # cut before, it does
    assert ends == [("sent", 1), ("sent", 1), ("failed", 0), ("uncertain", 1), ("sent", 1)]


def test_a_process_that_died_over_a_greeting_is_followed_by_the_next(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.rule(HELLO)
    who = door.arrive()
    door.called.delivered()
    from storeops.domains.welcome import greeter

    with monkeypatch.context() as patch:  # as kill -9 between the row and the call
        patch.setattr(greeter._Sending, "run", lambda self: None)
        (left,) = door.greet()
    assert left.status == "sending"
    monkeypatch.setattr(greeter, "DEAD_S", 0.3)
    (done,) = door.greet()
    assert (done.status, door.sends(), len(door.seen(who))) == ("sent", 1, 1)
    # and one that nobody followed in time is not called sent
    door.arrive()
    door.called.delivered()
    with monkeypatch.context() as patch:
        patch.setattr(greeter._Sending, "run", lambda self: None)
        door.greet()
    door.called.corp.advance(200)
    door.arrive()
    assert [each.status for each in door.greet()] == ["sent", "uncertain", "sent"]


def test_two_processes_greet_once(door: Door) -> None:
    door.rule(HELLO)
    people = [door.arrive() for _each in range(8)]
    door.called.delivered()
    lanes = [threading.Thread(target=door.greet) for _each in range(3)]
    for each in lanes:
        each.start()
    for each in lanes:
        each.join()
    assert door.sends() == len(people)
    assert {len(door.seen(each)) for each in people} == {1}


def test_rules_that_break_while_it_runs_leave_nobody_without_a_word(door: Door) -> None:
    path = door.rule(HELLO)
    door.arrive()
    door.greet()
    path.write_text('text = "Hello {shop}."', encoding="utf-8")
    door.arrive()
    assert [each.status for each in door.greet()] == ["sent", "sent"]
    assert len(door.trouble) == 1
    assert "{shop}" in door.trouble[0]


def test_read_only_greets_nobody(door: Door) -> None:
    from storeops.app import App

    door.rule(HELLO)
    door.arrive()
    door.called.delivered()
    reader = App.open(door.called.corp.profile, readonly=True)
    told: list[str] = []
    with at_once.beside(reader, on_trouble=told.append):
        pass
    reader.close()
    assert told
    assert log.greetings(door.app.data) == []
    assert door.sends() == 0


def test_the_receiver_greets_while_the_worker_reads(door: Door, cli: Any) -> None:
    """The real command, a real receiver; the worker's reads are slow."""
    door.rule(HELLO)
    process = subprocess.Popen(
        [sys.executable, "-m", "storeops", "events", "serve", "--port", "0", "--json"],
        stdout=subprocess.PIPE, text=True, env=dict(os.environ),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        door.called.save(json.loads(process.stdout.readline())["url"])
        door.control.settings(latency_ms=300)
        people = [door.arrive(userid=each) for each in door.members[:3]]
        door.until(lambda: all(door.seen(each) for each in people))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        process.stdout.close()
    listed = cli("welcome", "log", "--json").json
    assert [each["status"] for each in listed["items"]] == ["sent"] * 3
    assert all(0 <= each["latency_s"] < 20 for each in listed["items"])
    assert listed["complete"]
    assert not listed["has_more"]


def test_the_drill_in_short(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    figures = drill(tmp_path, new=6, span_s=0.5, follows=400, kills=0)
    assert (figures["greeted"], figures["most_each"]) == (6, 1)


# -- rules ----------------------------------------------------------------------------------------


PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 20


def test_pictures_are_uploaded_once_and_renewed(door: Door) -> None:
    """Also when WeCom forgot one early; what cannot be uploaded keeps nobody from the rest."""
    picture = door.rule(
        'text = "Hello."\n[image]\nfile = "hi.png"\n'
        '[miniprogram]\ntitle = "Shop"\nappid = "wx1"\npage = "index"\npicture = "hi.png"\n'
    ).with_name("hi.png")
    picture.write_bytes(PNG)

    def uploads() -> int:
        return int(door.control.calls()["paths"].get("media/upload", {}).get("calls", 0))

    for _twice in range(2):
        who = door.arrive()
        door.greet()
        assert door.seen(who) == [
            ("text", "Hello."), ("image", "hi.png"), ("miniprogram", "Shop\nwx1 index"),
        ]  # fmt: skip
    assert uploads() == 1
    door.app.data.execute("UPDATE welcome_media SET media_id = 'gone'")
    who = door.arrive()
    assert door.greet()[-1].status == "sent"
    assert len(door.seen(who)) == 3
    assert uploads() == 2
    picture.write_bytes(PNG + b"another")
    door.control.fault("errcode", "media/upload", errcode=45001, first=9)
    who = door.arrive()
    done = door.greet()[-1]
    assert (done.status, door.seen(who)) == ("sent", [("text", "Hello.")])
    assert "hi.png" in done.note
    door.rule('[image]\nfile = "hi.png"\n')
    door.arrive()
    assert door.greet()[-1].status == "failed"


def test_the_rule_that_counts(tmp_path: Any) -> None:
    some = [
        WelcomeRule("everybody", "a"),
        WelcomeRule("shop", "b", stores=("SZ012",)),
        WelcomeRule("spring", "c", state=("spring-*",)),
        WelcomeRule("lin", "d", members=("U_Lin",)),
        WelcomeRule("loud", "e", stores=("广州店",), priority=5),
        WelcomeRule("off", "f", priority=99, enabled=False),
    ]

    def name(**who: Any) -> str | None:
        found = chosen(some, Newcomer(**{"userid": "u_wang", **who}))
        return found.name if found else None

    assert name() == "everybody"
    assert name(stores=frozenset({"sz012"})) == "shop"
    assert name(stores=frozenset({"sz012"}), state="spring-3") == "spring"
    assert name(userid="u_lin", state="spring-3") == "lin"
    assert name(userid="u_lin", stores=frozenset({"广州店"})) == "loud"
    assert chosen(some[1:4], Newcomer("u_wang")) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "text"),
        ('text = "hi {shop}"', "{shop}"),
        ('texts = "hi"', "texts"),
        ('text = "hi"\nstate = 7', "state"),
        ('text = "hi"\npriority = "high"', "priority"),
        ('text = "hi"\nenabled = "no"', "enabled"),
        ('[link]\nurl = "https://a.example"', "link.title"),
        ('[link]\ntitle = "a"\nurl = "a.example"', "link.url"),
        ('[image]\nurl = ""', "image.url"),
        ('[image]\nfile = "a.png"', "image.file"),
        ('image = "a.png"', "image"),
        ('[image]\nfile = "all.toml"', "PNG or JPEG"),
        ('[image]\nfile = "a.png"\nurl = "https://a.example/a.png"', "either a file or an url"),
        ('[miniprogram]\ntitle = "a"\nappid = "wx1"\npage = "i"', "miniprogram.picture"),
        (f'text = "{"你" * 1400}"', "4000"),
        ('text = "hi', "all.toml"),
        ('text = "hi"\n[[rule]]\ntext = "ho"', "[[rule]]"),
        ('[[rule]]\nname = "a"\ntext = "x"\n[[rule]]\nname = "A"\ntext = "y"', "A"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Any, text: str, said: str) -> None:
    path = tmp_path / "all.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        rules([path])
    assert "all.toml" in caught.value.message
    assert said in f"{caught.value.message} {caught.value.hint}"


def test_a_file_that_is_not_there(tmp_path: Any) -> None:
    with pytest.raises(NotFoundError, match=r"nothing\.toml"):
        rules([tmp_path / "nothing.toml"])


# -- commands -------------------------------------------------------------------------------------


def test_what_would_be_sent_is_shown_and_nothing_is_sent(cli: Any, door: Door) -> None:
    assert "nobody is greeted" in cli("welcome", "rule").err
    door.rule(f'{HELLO}\nstores = ["nowhere"]', "a")
    link = '[link]\ntitle = "M"\nurl = "https://m.example"'
    door.rule(f'text = "Spring!"\nstate = "spring-*"\n{link}', "b")
    listed = cli("welcome", "rule", "--json").json["items"]
    assert [(each["name"], each["state"]) for each in listed] == [("a", []), ("b", ["spring-*"])]
    member = door.members[0]
    none = cli("welcome", "test", member)
    assert none.code == 0
    assert "would not be greeted" in none.out
    shown = cli("welcome", "test", member, "--state", "spring-1")
    assert "Spring!" in shown.out
    assert "https://m.example" in shown.out
    value = cli("welcome", "test", member, "--state", "spring-1", "--json").json
    assert (value["rule"], value["text"]) == ("b", "Spring!")
    assert door.sends() == 0


def test_the_log_pages_says_how_fast_and_forgets_a_person(cli: Any, door: Door) -> None:
    from storeops.operations.erasure import erase_person

    door.rule(HELLO)
    people = [door.arrive() for _each in range(3)]
    door.greet()
    first = cli("welcome", "log", "--limit", "2", "--json").json
    rest = cli("welcome", "log", "--limit", "2", "--after", first["next"], "--json").json
    found = [each["external_userid"] for each in first["items"] + rest["items"]]
    assert sorted(found) == sorted(each["external_userid"] for each in people)
    said = cli("welcome", "log")
    assert "99 %" in said.err
    # what counts is how long the customer waited, though the event came late
    door.app.data.execute("UPDATE welcome_greeting SET happened_at = settled_at - 20")
    late = cli("welcome", "log")
    assert "half within 20.0 s" in late.err
    assert " 20.0\n" in late.out
    item = cli("welcome", "log", "--json").json["items"][0]
    assert (item["wait_s"], item["latency_s"] < 20) == (20.0, True)
    assert cli("welcome", "log", "--status", "sond").code == 2
    door.called.settle()
    gone = people[0]["external_userid"]
    intent, answered = _journal(door, gone)
    assert intent == {"what": "welcome", "userid": people[0]["userid"], "rule": "all"}
    assert answered["status"] == "sent"
    assert cli("audit", "verify").code == 0
    erase_person(door.app.ledger, gone, inbox=lambda: door.app.inbox)
    assert cli("welcome", "log", "--customer", gone, "--json").json["items"] == []
    assert _journal(door, gone) == []


def _journal(door: Door, external_userid: str) -> list[dict[str, Any]]:
    """What the journal tells of messages to a customer, oldest first."""
    return [
        json.loads(payload)
        for (payload,) in door.app.data.execute(
            "SELECT payload FROM journal WHERE subject = ? AND kind LIKE 'message.%' ORDER BY seq",
            (external_userid,),
        )
    ]


def test_the_morning_says_who_was_not_greeted(door: Door) -> None:
    door.rule(HELLO)
    assert log.today(door.app.data, time.time()) == []
    door.fault("errcode", errcode=41053)
    door.arrive()
    door.greet()
    (line,) = log.today(door.app.data, door.app.clock.now())
    assert "1 new customer was not greeted" in line.text
    assert log.today(door.app.data, door.app.clock.now() + 2 * 86_400) == []


def test_a_slow_upload_costs_nobody_the_text(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text goes in time, with a note that is true; the next one has the picture."""
    from storeops.domains.welcome import media

    monkeypatch.setattr(media, "WAIT_S", 0.3)
    real, go = media.messages.upload, threading.Event()

    def upload(*given: Any) -> str:
        go.wait(20)
        return real(*given)

    monkeypatch.setattr(media.messages, "upload", upload)
    picture = door.rule('text = "Hello."\n[image]\nfile = "hi.png"\n').with_name("hi.png")
    picture.write_bytes(PNG + b"slow")
    who = door.arrive()
    door.called.delivered()
    with at_once.beside(door.app, on_trouble=door.trouble.append):
        door.until(lambda: bool(door.seen(who)))
        go.set()
    assert door.seen(who) == [("text", "Hello.")]
    (done,) = log.greetings(door.app.data)
    assert (done.status, done.note) == ("sent", "Without hi.png: it is not uploaded yet")
    with at_once.beside(door.app):  # before anybody comes
        door.until(lambda: door.app.data.execute("SELECT 1 FROM welcome_media").fetchone())
    who = door.arrive()
    door.greet()
    assert door.seen(who) == [("text", "Hello."), ("image", "hi.png")]


def test_who_could_not_prepare_once_is_asked_again(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A slip of one moment costs no picture later; its traceback is logged once."""
    from storeops.domains.welcome import media

    picture = door.rule('text = "Hello."\n[image]\nfile = "hi.png"\n').with_name("hi.png")
    picture.write_bytes(PNG + b"again")
    real, tried = media.prepare, []

    def prepare(*given: Any) -> None:
        tried.append(1)
        if len(tried) < 4:
            raise FileNotFoundError("renamed meanwhile")
        real(*given)

    monkeypatch.setattr(media, "prepare", prepare)
    monkeypatch.setattr(at_once, "PREPARE_S", 0.01)
    with at_once.beside(door.app):
        door.until(lambda: door.app.data.execute("SELECT 1 FROM welcome_media").fetchone())
    told = [each for each in caplog.records if each.exc_info]
    assert [each.message for each in told] == ["a domain could not prepare for events"]


def test_files_that_an_editor_has_in_hand_stop_nobody(door: Door, cli: Any) -> None:
    """An editor's lock and a file that is away for a moment leave the other rules."""
    rule = door.rule(HELLO)
    for name in (".#all.toml", "away.toml"):
        rule.with_name(name).symlink_to("me@host.1:2")
    rule.with_name(".all.toml").write_text("half a ru", encoding="utf-8")
    door.arrive()
    assert [each.status for each in door.greet()] == ["sent"]
    assert log.today(door.app.data, door.app.clock.now()) == []
    rule.with_name("away.toml").unlink()
    assert [each["name"] for each in cli("welcome", "rule", "--json").json["items"]] == ["all"]


def restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process has read of the rules is gone."""
    from storeops.domains.welcome import greeter
    from storeops.domains.welcome.rules import RuleFolder

    fresh = RuleFolder()
    for room in (greeter, log):
        monkeypatch.setattr(room, "FOLDER", fresh)


def test_one_bad_file_after_a_restart_leaves_the_other_rules(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = door.rule('text = "Hello {shop}."', "a")
    good = door.rule(HELLO, "b")
    restart(monkeypatch)
    door.arrive()
    assert [each.status for each in door.greet()] == ["sent"]
    assert "a.toml" in door.trouble[0]
    (line,) = log.today(door.app.data, door.app.clock.now())
    assert "a.toml" in line.text
    good.unlink()
    restart(monkeypatch)
    door.arrive()
    lost = door.greet()[-1]
    assert lost.status == "failed"
    assert str(bad.name) in lost.note


def test_a_rule_for_a_contact_way(door: Door, cli: Any) -> None:
    from storeops.domains.welcome.people import newcomer
    from storeops.sync.run import run_sync

    run_sync(door.app)
    ways = cli("contact-way", "list", "--json").json["items"]
    way = next(each for each in ways if each["state"] and each["remark"])
    rule = WelcomeRule("poster", "a", way=(way["remark"][:2] + "*",))
    other = WelcomeRule("other", "a", way=("nowhere",))
    who = newcomer(door.app.data, "u_x", way["state"])
    assert chosen([rule, other, WelcomeRule("all", "b")], who) == rule
    assert chosen([rule, other], newcomer(door.app.data, "u_x", "")) is None
    assert chosen([WelcomeRule("id", "a", way=(way["config_id"],))], who) is not None
    door.rule(f'text = "hi"\nway = ["{way["remark"]}"]\n')
    shown = cli("welcome", "rule", "--json")
    assert shown.json["items"][0]["way"] == [way["remark"]]
    assert "unknown" not in shown.err
    door.rule('text = "hi"\nway = "nowhere"\nstores = ["99"]\nmembers = ["ghost"]\n')
    told = cli("welcome", "rule").err
    assert all(f"“{each}” is unknown" in told for each in ("nowhere", "99", "ghost"))
    db = door.app.data
    db.execute(  # deleted, and its printed code still brings customers
        "UPDATE contact_way SET remark = '[A]店', gone_at = 1 WHERE config_id = ?",
        (way["config_id"],),
    )
    door.rule('text = "hi"\nway = "[A]店"\n')
    assert "fits nobody" not in cli("welcome", "rule").err
    literal = WelcomeRule("literal", "a", way=("[A]店",))
    assert chosen([literal], newcomer(db, "u_x", way["state"])) == literal
    db.execute("UPDATE contact_way SET state = '' WHERE config_id = ?", (way["config_id"],))
    assert "“[A]店” has no state" in cli("welcome", "rule").err


def test_rules_are_not_judged_by_what_was_never_read(door: Door, cli: Any) -> None:
    door.app.data.execute("DELETE FROM sync_scope")
    door.rule('text = "hi"\nway = "nowhere"\nstores = ["99"]\nmembers = ["ghost"]\n')
    assert "fits nobody" not in cli("welcome", "rule").err


def test_files_of_rules_are_read_once_on_a_change(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storeops.domains.welcome.rules import RuleFolder
    from storeops.toml import files

    first = door.rule(HELLO)
    (first.parent / "two.toml").write_text(f'name = "{first.stem}"\n{HELLO}', encoding="utf-8")
    read: list[Any] = []
    real = files._contents
    monkeypatch.setattr(files, "_contents", lambda file: read.append(file) or real(file))
    folder = RuleFolder()
    found, wrong = folder.rules()
    assert (len(found), len(read)) == (2, 2)
    assert "one rule for each" in wrong.message
    folder.rules()
    assert len(read) == 2


def test_an_erased_customer_stands_in_no_state_of_others(door: Door) -> None:
    door.app.data.execute(
        "INSERT INTO welcome_greeting (code, external_userid, userid, state, text, happened_at,"
        " received_at, ends_at, status, begun_at) VALUES ('c', 'wm_a', 'u', 'tel-13912345678',"
        " 'by tel-13912345678', 1, 1, 1, 'sent', 1)"
    )
    with door.app.data.atomic() as connection:
        assert log.forget_customer(connection, "wm_b", {"13912345678"}) == 1
    found = door.app.data.execute("SELECT state, text FROM welcome_greeting").fetchone()
    assert found == ("tel-…", "by tel-…")
