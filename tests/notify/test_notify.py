"""Messages: kept before they are sent, sent once, in order, folded, within the robot's limit."""

from __future__ import annotations

import base64
import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storeops import config, paths, secrets
from storeops.app import App
from storeops.domains.notify import afterwards, files, log, outbox, targets
from storeops.domains.notify import outbox as messages
from storeops.domains.notify.messages import Article, OutMessage, Posted
from storeops.domains.sandbox import sandbox_records
from storeops.errors import ConflictError, NotFoundError, StoreOpsError, UsageError
from storeops.sandbox import local
from storeops.wecom.envelope import Response

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Post:
    """A sandbox with a robot, and a profile that knows it."""

    def __init__(self, **settings: Any) -> None:
        self.sandbox = local.start(stores=1, staff=4, follows=20, seed=5, **settings)
        self.control = self.sandbox.control
        config.save_profile(
            config.Profile(
                name="t", corp_id=self.sandbox.corp_id, agent_id=self.sandbox.agent_id,
                base_url=self.sandbox.base_url, sandbox=True,
            ),
            make_default=True,
        )  # fmt: skip
        secrets.save("t", self.sandbox.secret)
        sandbox_records.remember(sandbox_records.Running(**self.sandbox.ready))
        self.app = App.open("t")
        self.robot("ops")

    def robot(self, name: str) -> str:
        """A group's robot, made in the console; its key."""
        key: str = self.control.call("POST", "robots", {"name": name})["key"]
        targets.save(self.app.data, name, "robot", self.app.clock.now())
        secrets.save_robot("t", name, key)
        return key

    def inbox(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.control.call("GET", "inbox")["items"]
        return rows

    def say(self, text: str, to: str = "ops", id: str = "", **how: Any) -> Posted:
        return messages.post(self.app, to, OutMessage("text", text, **how), id=id)

    def statuses(self) -> list[str]:
        return [each.status for each in log.messages(self.app.data)][::-1]

    def close(self) -> None:
        self.app.close()
        self.sandbox.stop()


@pytest.fixture
def open_post(home: Path) -> Iterator[Callable[..., Post]]:
    opened: list[Post] = []

    def make(**settings: Any) -> Post:
        opened.append(Post(**settings))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def post(open_post: Callable[..., Post]) -> Post:
    return open_post()


def test_a_hundred_alarms_are_few_messages_in_order(open_post: Callable[..., Post]) -> None:
    """None is lost, the order is kept, and the robot never says that there are too many."""
    post = open_post(robot_minute_limit=20)
    for number in range(100):
        post.say(f"alarm {number:03d} of the night shift", id=f"a{number}")
        if number == 0:
            messages.deliver(post.app)
    done = messages.deliver(post.app)
    assert (done.sent, done.failed, done.waiting) == (99, 0, 0)
    said = "\n".join(row["body"] for row in post.inbox())
    assert [said.index(f"alarm {number:03d}") for number in range(100)] == sorted(
        said.index(f"alarm {number:03d}") for number in range(100)
    )
    assert said.count("alarm") == 100
    assert len(post.inbox()) <= 6
    assert all(len(row["body"].encode()) <= 2048 for row in post.inbox())
    assert set(post.control.calls()["paths"]["webhook/send"]["errcodes"]) <= {"0"}
    assert post.statuses() == ["sent"] * 100


def test_the_governor_keeps_a_robot_to_twenty_a_minute(post: Post) -> None:
    """Messages that may not be folded: the twenty-first waits for its minute and is not refused."""
    for number in range(23):
        post.say(f"m{number}", fold=False)
    done = messages.deliver(post.app, seconds=4.0)
    assert (done.sent, done.failed, done.waiting) == (20, 0, 3)
    assert set(post.control.calls()["paths"]["webhook/send"]["errcodes"]) == {"0"}
    post.robot("other")  # another robot has a limit of its own
    post.say("hello", to="other")
    assert messages.deliver(post.app, seconds=2.0).sent == 1
    assert [row["body"] for row in post.inbox()] == [f"m{n}" for n in range(20)] + ["hello"]


def test_one_message_once(post: Post) -> None:
    first = post.say("good morning", id="daily-1")
    assert (first.known, first.status) == (False, "waiting")
    messages.deliver(post.app)
    again = post.say("good morning", id="daily-1")
    assert (again.known, again.status) == (True, "sent")
    messages.deliver(post.app)
    assert [(row["to"], row["kind"], row["body"]) for row in post.inbox()] == [
        ("ops", "text", "good morning")
    ]
    with pytest.raises(ConflictError):
        post.say("something else", id="daily-1")


@pytest.mark.parametrize("kind", ["status", "html", "empty_body", "cut", "lost"])
def test_an_answer_that_never_came_is_not_sent_again(post: Post, kind: str) -> None:
    """HTML, nothing, a cut line: nobody knows whether it arrived, and the log says so."""
    how = {"status": 502} if kind == "status" else {}
    post.control.fault(kind, "webhook/send", first=1, **how)
    post.say("one", fold=False)
    post.say("two", fold=False)
    messages.deliver(post.app, seconds=20.0)
    assert post.statuses() == ["uncertain", "sent"]
    assert [row["body"] for row in post.inbox() if row["body"] == "two"] == ["two"]
    assert len([row for row in post.inbox() if row["body"] == "one"]) <= 1
    assert outbox.retry(post.app.ledger) == []  # not by itself
    (uncertain,) = log.messages(post.app.data, statuses=("uncertain",))
    outbox.retry(post.app.ledger, [uncertain.id])
    messages.deliver(post.app, seconds=20.0)
    assert post.statuses() == ["sent", "sent"]


def test_a_message_is_sent_by_the_profile_that_has_the_data(post: Post, tmp_path: Path) -> None:
    """A copy that goes on at another machine finds keys and files by its own profile's name."""
    picture = tmp_path / "map.png"
    picture.write_bytes(PNG)
    messages.post(post.app, "ops", OutMessage("image", path=picture))
    assert outbox.dispatch(post.app.ledger)
    post.app.close()
    paths.profile_dir("t").rename(paths.profile_dir("elsewhere"))
    config.save_profile(replace(config.load().profiles["t"], name="elsewhere"))
    secrets.keep("elsewhere", secrets.every("t"))
    secrets.forget("t")
    post.app = App.open("elsewhere")
    messages.deliver(post.app)
    assert post.statuses() == ["sent"]


def test_what_a_robot_refuses_is_said_and_sent_again_by_hand(post: Post) -> None:
    secrets.save_robot("t", "ops", "wrong-key-0000")
    post.say("one")
    assert messages.deliver(post.app).failed == 1
    (found,) = log.messages(post.app.data)
    assert (found.status, found.errcode) == ("failed", 93000)
    (line,) = afterwards.today(post.app.data, post.app.clock.now())
    assert (line.text, line.next_step) == (
        "1 message could not be sent.", "storeops notify retry",
    )  # fmt: skip
    key = post.robot("ops")
    assert outbox.retry(post.app.ledger) == [found.id]
    assert messages.deliver(post.app).sent == 1
    assert key not in json.dumps(post.app.data.execute("SELECT * FROM plan_row").fetchall(),
                                 default=str)  # fmt: skip
    assert key not in json.dumps(post.app.data.execute("SELECT * FROM journal").fetchall(),
                                 default=str)  # fmt: skip


def test_too_often_is_waited_out(open_post: Callable[..., Post]) -> None:
    """45009 all the same (another program uses the key): paused, kept, and in order."""
    post = open_post(robot_minute_limit=1)
    post.say("one", fold=False)
    post.say("two", fold=False)
    done = messages.deliver(post.app, seconds=3.0)
    assert (done.sent, done.failed, done.waiting) == (1, 0, 1)
    post.control.settings(robot_minute_limit=20)
    post.app.run.execute("UPDATE limit_api SET paused_until = 0")
    post.app.data.execute("UPDATE job SET run_at = 0 WHERE status = 'queued'")
    assert messages.deliver(post.app, seconds=20.0).sent == 1
    assert [row["body"] for row in post.inbox()] == ["one", "two"]


def test_others_hand_texts_over_by_the_way_of_sending(post: Post) -> None:
    """What an alarm calls: `Domain.senders`, by its way."""
    from storeops.domain import load, registry

    _domain, where = registry().named("senders")["robot"]
    for _again in range(2):
        load(where)(post.app, "ops", "长" * 3000, "alert-1")
    (row,) = post.inbox()
    assert len(row["body"].encode()) <= 2048
    assert row["body"].endswith("…")


def test_quiet_hours_wait_but_for_what_is_urgent(post: Post) -> None:
    now = post.app.clock.now()
    from storeops import times

    hour = times.local(now).hour
    quiet = f"{hour:02d}:00-{(hour + 2) % 24:02d}:00"
    targets.save(post.app.data, "ops", "robot", now, quiet=quiet)
    held = post.say("psst")
    post.say("fire", urgent=True)
    assert now < held.due_at <= now + 2 * 3600
    messages.deliver(post.app)
    assert [row["body"] for row in post.inbox()] == ["fire"]
    post.control.advance(2 * 3600)
    post.app.client.learn_time()
    messages.deliver(post.app)
    assert [row["body"] for row in post.inbox()] == ["fire", "psst"]


def test_pictures_files_and_cards(post: Post, tmp_path: Path) -> None:
    picture, paper = tmp_path / "p.png", tmp_path / "report.html"
    picture.write_bytes(PNG)
    paper.write_bytes(b"<p>hello</p>")
    messages.post(post.app, "ops", OutMessage("image", path=picture))
    messages.post(post.app, "ops", OutMessage("file", path=paper))
    paper.write_bytes(b"changed since")  # what arrives is what was handed over
    card = OutMessage("news", articles=[Article("Tee", "https://s.example/1")])
    messages.post(post.app, "ops", card)
    messages.post(post.app, "ops", OutMessage("markdown", "**bold**"))
    assert messages.deliver(post.app).sent == 4
    assert list(files.folder("t").iterdir()) == []  # nothing is left behind
    assert [(row["kind"], row["body"]) for row in post.inbox()] == [
        ("image", f"image, {len(PNG)} B"), ("file", "report.html"), ("news", "Tee"),
        ("markdown", "**bold**"),
    ]  # fmt: skip
    for wrong in (
        OutMessage("image", path=paper), OutMessage("file", path=tmp_path / "none"),
        OutMessage("text", " "),
        OutMessage("text", "x" * 2049), OutMessage("news"), OutMessage("film"),
    ):  # fmt: skip
        with pytest.raises(UsageError):
            messages.post(post.app, "ops", wrong)
    with pytest.raises(NotFoundError):
        post.say("hello", to="opps")


def test_app_messages_say_who_did_not_get_them(post: Post) -> None:
    people = [m["userid"] for m in post.control.export("staff") if not m["left_at"]]
    now = post.app.clock.now()
    targets.save(post.app.data, "chiefs", "app", now, receivers={"touser": f"{people[0]}|Nobody"})
    targets.save(post.app.data, "none", "app", now, receivers={"touser": "Nobody"})
    post.say("hello", to="chiefs")
    post.say("hello", to="none")
    messages.deliver(post.app)
    assert post.statuses() == ["partly", "failed"]
    first = next(iter(log.messages(post.app.data, statuses=("partly",))))
    assert "nobody (unknown or out of sight)" in first.note
    assert [(row["to"], row["body"]) for row in post.inbox()] == [(people[0], "hello")]
    # an answer that was lost: WeCom delivers the same request once, so that it may go again
    targets.save(post.app.data, "one", "app", now, receivers={"touser": people[1]})
    post.control.fault("lost", "message/send", first=1)
    post.say("only once", to="one")
    messages.deliver(post.app, seconds=30.0)
    assert [row["body"] for row in post.inbox()].count("only once") == 1
    assert post.statuses()[-1] == "sent"


def test_a_crash_between_two_steps_loses_nothing(post: Post) -> None:
    """A plan that was made and not applied is applied by the next round."""
    post.say("one")
    real = outbox._apply
    try:
        outbox._apply = lambda _ledger, _plan: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[assignment]
        with pytest.raises(KeyboardInterrupt):
            outbox.dispatch(post.app.ledger)
    finally:
        outbox._apply = real
    assert post.statuses() == ["queued"]
    assert messages.deliver(post.app).sent == 1
    assert [row["body"] for row in post.inbox()] == ["one"]


def test_messages_to_a_group_that_the_app_has_made(post: Post, cli: Callable[..., Any]) -> None:
    """WeCom is asked for it once; a lost answer is never sent again by itself."""
    staff = [each["userid"] for each in post.control.export("staff")][:3]
    made = post.app.client.post(
        "appchat/create", Response, {"name": "Night", "userlist": staff, "chatid": "night1"}
    )
    assert made.errcode == 0
    unknown = cli("notify", "chat", "add", "night", "nowhere", "--json")
    assert (unknown.code, unknown.error["errcode"]) == (5, 86003)
    added = cli("notify", "chat", "add", "night", "night1", "--json").json
    assert (added["kind"], added["members"], added["receivers"]["name"]) == ("chat", 3, "Night")
    assert cli("notify", "send", "--to", "night", "--text", "你好").code == 0
    assert [(row["to"], row["body"]) for row in post.inbox()] == [("Night", "你好")]
    post.control.fault("lost", "appchat/send", first=1)
    lost = cli("notify", "send", "--to", "night", "--text", "again", "--json")
    assert lost.code == 6
    assert cli("notify", "run", "--json").json["sent"] == 0
    assert [row["body"] for row in post.inbox()] == ["你好", "again"]
    assert cli("notify", "log", "--json").json["items"][0]["status"] == "uncertain"
    assert cli("notify", "chat", "remove", "night").code == 0

    def change(**how: Any) -> None:
        post.app.client.post("appchat/update", Response, {"chatid": "night1", **how})

    for wrong, code in ((staff[:1], 86005), (staff[1:], 86006)):  # the owner; all but the owner
        with pytest.raises(StoreOpsError) as caught:
            change(del_user_list=wrong)
        assert caught.value.errcode == code
    change(del_user_list=staff[2:], name="Dawn")
    assert post.app.client.get("appchat/get", Response, {"chatid": "night1"}).errcode == 0


def test_an_alarm_reaches_a_group_by_its_robot(
    post: Post, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a person sets it up: what `sandbox robot` prints is pasted, a rule names the robot."""
    folder = paths.config_dir() / "rules" / "alert"
    folder.mkdir(parents=True)
    (folder / "backup.toml").write_text('kind = "backup"\nto = ["robot:night"]\n')
    assert cli("sync", "run", "--quiet").code == 0
    unsent = cli("alert", "check")
    assert "robot:night" in unsent.err
    assert ".." not in unsent.err
    printed = cli("sandbox", "robot", "night").out
    assert printed.startswith(f"{post.sandbox.base_url}/cgi-bin/webhook/send?key=")
    monkeypatch.setattr(sys, "stdin", io.StringIO(printed))
    assert cli("notify", "robot", "add", "night").code == 0
    for _again in range(2):  # it waits until the robot is known, and is sent once
        assert cli("alert", "check").code == 0
        (row,) = post.inbox()
        assert "There is no backup yet. storeops db backup" in row["body"]
    assert cli("db", "backup").code == 0
    assert cli("alert", "check").code == 0
    assert [each["body"].split(":")[0] for each in post.inbox()][1:] == ["over"]


def test_the_command_line(
    post: Post, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = post.control.call("POST", "robots", {"name": "shops"})["key"]
    address = f"{post.sandbox.base_url}/cgi-bin/webhook/send?key={key}\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(address))
    assert cli("notify", "robot", "add", "shops", "--json").json["name"] == "shops"
    found = secrets.robot("t", "shops")
    assert found is not None
    assert found.reveal() == key
    sent = cli("notify", "send", "--to", "shops", "--text", "你好", "--id", "x1", "--json")
    assert sent.code == 0, sent.err
    (row,) = sent.json["messages"]
    assert (row["id"], row["to"], row["status"]) == ("x1", "shops", "sent")
    assert "handed over before" in cli("notify", "send", "--to", "shops", "--text", "你好",
                                       "--id", "x1").out  # fmt: skip
    assert [r["body"] for r in cli("sandbox", "inbox", "--json").json["items"]] == ["你好"]
    listed = cli("notify", "list", "--json").json["items"]
    assert [(each["name"], each["has_key"]) for each in listed] == [("ops", True), ("shops", True)]
    assert key not in cli("notify", "list").out
    assert cli("notify", "log", "--json").json["items"][0]["body"] == "你好"
    assert cli("notify", "log", "--status", "lost").code == 2
    post.say("one")
    post.say("two")
    assert [each["waiting"] for each in cli("notify", "list", "--json").json["items"]] == [2, 0]
    first = cli("notify", "log", "--to", "OPS", "--limit", "1", "--json").json
    post.say("three")  # what comes meanwhile moves no row to another page
    page = ("notify", "log", "--to", "ops", "--after", first["next"], "--json")
    rest = cli(*page).json["items"]
    assert [each["body"] for each in (*first["items"], *rest)] == ["two", "one"]
    assert cli("notify", "run").code == 0
    both = ("notify", "send", "--to", "shops", "--to", "ops", "--text", "all")
    assert cli(*both).code == 2
    assert cli(*both, "--yes").code == 0
    assert cli("notify", "send", "--to", "shops").code == 2
    assert cli("notify", "send", "--to", "nobody", "--text", "x").code == 5
    assert cli("notify", "retry").code == 0
    assert cli("notify", "run", "--json").json == {
        "sent": 0, "failed": 0, "waiting": 0, "calls": 0,
    }  # fmt: skip
    assert cli("notify", "robot", "remove", "shops").code == 0
    assert secrets.robot("t", "shops") is None
    monkeypatch.setattr(sys, "stdin", io.StringIO("no\n"))
    assert cli("notify", "robot", "add", "bad").code == 2
    assert cli("notify", "app", "add", "me", "--user", "U1").code == 0
    assert cli("report", "daily", "--send", "ops", "--json").code == 0
    assert post.inbox()[-1]["body"].startswith("**Daily report")
    # asked again it is not sent again
    count = len(post.inbox())
    assert cli("report", "daily", "--send", "ops").code == 0
    assert len(post.inbox()) == count
    # it ends as its own message did, whatever became of others
    post.control.fault("lost", "webhook/send", first=1)
    post.say("one")
    assert cli("report", "staff", "--send", "ops").code == 0
    post.control.fault("lost", "webhook/send", first=1)
    failed = cli("report", "store", "--send", "ops", "--json")
    assert (failed.code, post.statuses()[-3:]) == (6, ["uncertain", "sent", "uncertain"])
    (step,) = failed.error["next_steps"]
    assert step.startswith("storeops notify retry report-store-")


def test_erasing_a_person_empties_what_names_them(post: Post, cli: Any) -> None:
    from storeops.domains.notify import afterwards
    from storeops.operations.erasure import erase_person

    gone = "wm" + "x" * 30
    post.say(f"please call {gone}", fold=False)
    card = OutMessage("news", articles=[Article("a card", "https://s.example/c", f"for {gone}")])
    messages.post(post.app, "ops", card)
    post.say("good morning, 12", fold=False)
    assert messages.deliver(post.app, seconds=20.0).sent == 3
    post.say(f"{gone} again")
    with post.app.data.atomic() as connection:  # a few digits stand in anybody's words
        assert afterwards.forget_customer(connection, "wm" + "y" * 30, {"12"}) == 0
    erase_person(post.app.ledger, gone, inbox=lambda: post.app.inbox)
    assert [(each.body, each.status) for each in log.messages(post.app.data)] == [
        ("–", "cancelled"), ("good morning, 12", "sent"), ("–", "sent"), ("–", "sent"),
    ]  # fmt: skip
    assert messages.deliver(post.app, seconds=20.0).sent == 0
    for table in ("notify_message", "plan", "plan_row", "journal"):
        rows = post.app.data.execute(f"SELECT * FROM {table}").fetchall()
        assert gone not in json.dumps(rows, default=str), table
    assert cli("audit", "verify").code == 0


def test_what_was_erased_is_never_sent_again(post: Post, cli: Any, tmp_path: Path) -> None:
    """Failed or uncertain, a text, a file or a card: retry has nothing left to send."""
    from storeops.operations.erasure import erase_person

    gone = "wm" + "y" * 30
    paper = tmp_path / f"{gone}.txt"
    paper.write_text("what she bought")
    post.control.fault("lost", "webhook/send", first=1)
    post.say(f"lost for {gone}", fold=False)
    messages.deliver(post.app, seconds=20.0)
    secrets.save_robot("t", "ops", "wrong-key-0000")
    post.say(f"call {gone}", fold=False)
    post.say("no name in the text", id=f"birthday-{gone}", fold=False)
    messages.post(post.app, "ops", OutMessage("file", path=paper))
    card = OutMessage("news", articles=[Article(gone, "https://s.example/c")])
    messages.post(post.app, "ops", card)
    messages.deliver(post.app, seconds=20.0)
    assert post.statuses() == ["uncertain", *["failed"] * 4]
    assert len(list(files.folder("t").iterdir())) == 1
    post.robot("ops")
    before = len(post.inbox())
    erase_person(post.app.ledger, gone, inbox=lambda: post.app.inbox)
    assert post.statuses() == ["cancelled"] * 5
    assert list(files.folder("t").iterdir()) == []
    assert cli("notify", "retry").code == 0
    assert len(post.inbox()) == before
    rows = post.app.data.execute("SELECT * FROM notify_message").fetchall()
    assert gone not in json.dumps(rows, default=str)


def test_tidying_up_waits_for_a_file_that_is_being_handed_over(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = tmp_path / "report.html"
    paper.write_bytes(b"<p>hello</p>")
    real, threads = files.copy, []

    def copy(*given: Any) -> None:
        real(*given)  # another process tidies up before the message's row is there
        threads.append(threading.Thread(target=files.remove_unused, args=("t", post.app.data)))
        threads[0].start()
        threads[0].join(0.3)

    monkeypatch.setattr(files, "copy", copy)
    messages.post(post.app, "ops", OutMessage("file", path=paper))
    threads[0].join()
    assert messages.deliver(post.app).sent == 1


def test_one_id_is_one_message_for_each_target(post: Post, cli: Any) -> None:
    post.robot("chiefs")
    twice = cli("notify", "send", "--to", "ops", "--to", "OPS", "--text", "one", "--json")
    assert [each["to"] for each in twice.json["messages"]] == ["ops"]
    june = ("--text", "june", "--id", "june")
    assert cli("notify", "send", "--to", "ops", *june).code == 0
    assert cli("notify", "send", "--to", "Chiefs", "--to", "ops", "--yes", *june).code == 0
    assert cli("notify", "send", "--to", "chiefs", *june).code == 0
    assert sorted((row["to"], row["body"]) for row in post.inbox()) == [
        ("chiefs", "june"), ("ops", "june"), ("ops", "one"),
    ]  # fmt: skip
    assert cli("notify", "app", "remove", "ops").code == 2
    assert cli("notify", "robot", "remove", "ops").code == 0


def test_a_partly_sent_message_names_no_step_that_is_refused(post: Post, cli: Any) -> None:
    people = [m["userid"] for m in post.control.export("staff") if not m["left_at"]]
    targets.save(post.app.data, "two", "app", 0.0, receivers={"touser": f"{people[0]}|Nobody"})
    partly = cli("notify", "send", "--to", "two", "--text", "hello", "--json")
    assert partly.code == 6
    assert "notify retry" not in json.dumps(partly.error)


def test_an_app_message_is_not_sent_again_when_wecom_has_forgotten_it(post: Post) -> None:
    people = [m["userid"] for m in post.control.export("staff") if not m["left_at"]]
    targets.save(post.app.data, "one", "app", 0.0, receivers={"touser": people[0]})
    post.control.fault("lost", "message/send", first=1)
    post.say("only once", to="one")
    (plan,) = outbox.dispatch(post.app.ledger)
    post.app.worker().run(plan_id=plan.id, seconds=0.5)
    assert post.statuses() == ["queued"]
    post.control.advance(15_000)
    post.app.client.learn_time()
    post.app.data.execute("UPDATE job SET run_at = 0")
    messages.deliver(post.app, seconds=20.0)
    assert post.statuses() == ["uncertain"]
    assert [row["body"] for row in post.inbox()] == ["only once"]


def test_a_target_may_be_called_like_a_former_userid(post: Post, cli: Any) -> None:
    assert cli("sync", "run", "--quiet").code == 0
    post.app.data.execute(
        "INSERT INTO staff_former (userid, staff_id, changed_at)"
        " SELECT 'ops', id, 0 FROM staff LIMIT 1"
    )
    assert cli("notify", "send", "--to", "ops", "--text", "hello").code == 0
    assert [row["body"] for row in post.inbox()] == ["hello"]


def test_a_printed_step_works_whatever_the_id_is(post: Post, cli: Any) -> None:
    import shlex

    for kind, said in (("errcode", "Send it again"), ("html", "Look there")):
        fault = {"errcode": 93000} if kind == "errcode" else {}
        post.control.fault(kind, "webhook/send", first=1, **fault)
        ident = f"{kind} --json $(id); 'x'"
        failed = cli("notify", "send", "--to", "ops", "--text", kind, "--id", ident, "--json")
        (step,) = failed.error["next_steps"]
        assert shlex.split(step) == ["storeops", "notify", "retry", ident]
        assert failed.error["hint"].startswith(said)
        assert cli(*shlex.split(step)[1:], "--json").json["messages"][0]["status"] == "sent"


@pytest.mark.parametrize("ident", ["two\nlines", " edge", "x" * 201, "\u202eid"])
def test_an_id_that_cannot_be_seen_is_refused(post: Post, cli: Any, ident: str) -> None:
    refused = cli("notify", "send", "--to", "ops", "--text", "x", "--id", ident)
    assert refused.code == 2
    assert not post.inbox()


def test_members_of_a_target_are_those_who_are_meant(post: Post, cli: Any) -> None:
    assert cli("sync", "run", "--quiet").code == 0
    some = cli("staff", "list", "--json").json["items"][0]
    added = cli("notify", "app", "add", "one", "--user", some["name"], "--json")
    assert added.json["receivers"] == {"touser": some["userid"]}
    assert cli("notify", "app", "add", "ghosts", "--user", "nobody here").code == 5


def test_a_report_says_what_became_of_its_message(post: Post, cli: Any) -> None:
    first = cli("report", "daily", "--send", "ops")
    assert "is sent to ops" in first.err
    assert "was sent to ops before" in cli("report", "daily", "--send", "ops").err
    assert "Shops" not in post.inbox()[-1]["body"]  # no head above no rows


def test_a_report_that_waited_is_said_to_be_sent_when_it_is(post: Post, cli: Any) -> None:
    """And with what is known by then, whatever was known when it began to wait."""
    from storeops import times

    now = post.app.clock.now()
    hour = times.local(now).hour
    quiet = f"{hour:02d}:00-{(hour + 2) % 24:02d}:00"
    targets.save(post.app.data, "ops", "robot", now, quiet=quiet)
    report = ("report", "daily", "--on", times.local(now - 2 * 86_400).date().isoformat())
    waits = "waits to be sent to ops"
    assert waits in cli(*report, "--send", "ops").err
    assert waits in cli(*report, "--send", "ops").err
    post.control.advance(2 * 3600)
    post.app.client.learn_time()
    sent = cli(*report, "--send", "ops", "--lang", "zh_CN").err
    assert "已发送到 ops" in sent
    assert "此前" not in sent
    (row,) = post.inbox()
    assert "Daily" not in row["body"]
    assert "was sent to ops before" in cli(*report, "--send", "ops").err
    assert len(post.inbox()) == 1


def test_a_report_whose_message_was_cancelled_is_not_said_to_wait(post: Post, cli: Any) -> None:
    """An erasure emptied it: nothing will ever be sent under its id."""
    from storeops import times
    from storeops.domains.notify import afterwards

    now = post.app.clock.now()
    hour = times.local(now).hour
    quiet = f"{hour:02d}:00-{(hour + 2) % 24:02d}:00"
    targets.save(post.app.data, "ops", "robot", now, quiet=quiet)
    day = times.local(now - 2 * 86_400).date().isoformat()
    report = ("report", "daily", "--on", day, "--send", "ops")
    assert cli(*report).code == 0
    ident = f"report-daily-{day}_{day}-ops"
    with post.app.data.atomic() as connection:
        connection.execute("UPDATE notify_message SET body = body || ' 13912345678'")
        assert afterwards.forget_customer(connection, "wm_gone", {"13912345678"}) == 1
    told = cli(*report)
    assert log.get(post.app.data, ident).status == "cancelled"
    assert "waits" not in told.err
    assert "was cancelled" in told.err
    assert "已取消" in cli(*report, "--lang", "zh_CN").err


def test_why_is_told_in_the_language_of_who_asks(post: Post, cli: Any) -> None:
    post.control.fault("errcode", "webhook/send", first=1, errcode=93008)
    refused = ("notify", "send", "--to", "ops", "--text", "a", "--lang", "zh_CN")
    assert "机器人" in cli(*refused).err
    post.control.fault("html", "webhook/send", first=1)
    lost = cli("notify", "send", "--to", "ops", "--text", "b", "--lang", "zh_CN")
    assert lost.code == 6
    for lang, words in (
        ("en", ("the robot is not in the group any more (93008)", "nobody knows whether")),
        ("zh_CN", ("机器人已不在群里", "")),
    ):
        notes = [e["note"] for e in cli("notify", "log", "--json", "--lang", lang).json["items"]]
        assert words[0] in notes[1]
        assert words[1] in notes[0]
        assert all(each.isascii() == (lang == "en") for each in notes)
        for each in cli("notify", "log", "--json").json["items"]:
            shown = cli("plan", "results", each["plan_id"], "--json", "--lang", lang).json["items"]
            assert shown[0]["meaning"].isascii() == (lang == "en")
            assert shown[0]["next_step"].isascii() == (lang == "en")
