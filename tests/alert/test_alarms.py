"""Alarms: raised once, again when worse, over when over; by rules; once by two processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from storeops import config, secrets
from storeops.app import App
from storeops.database.database import open_database
from storeops.domains.alert import checking, rules, schema, state
from storeops.operations.alarms import Alarm, AlarmKind
from storeops.sandbox import local

DAY = 86_400


@pytest.fixture
def profile(home: Any) -> str:
    config.save_profile(config.Profile("shop", "ww0123456789abcdef"))
    return "shop"


class Trouble:
    """A kind whose alarms a test decides."""

    def __init__(self) -> None:
        self.now: list[Alarm] = []

    def rule(self, **how: Any) -> rules.AlarmRule:
        kind = AlarmKind(
            title="Trouble",
            find=lambda _app, _settings: list(self.now),
            describe=lambda values: (f"trouble {values['n']}", "storeops status"),
        )
        domain = next(iter(rules.kinds().values()))[0]
        return rules.AlarmRule("trouble", kind, domain, {}, {}, **how)


@pytest.fixture
def app(profile: str) -> Iterator[App]:
    opened = App.open(profile)
    yield opened
    opened.close()


def look(app: App, trouble: Trouble, *found: Alarm, **how: Any) -> state.AlarmChanges:
    trouble.now = list(found)
    return checking.check(app, [trouble.rule(**how)]).changes


def test_the_life_of_an_alarm(app):
    trouble = Trouble()
    first = Alarm(key="a", rank=1, values={"n": 1})
    assert look(app, trouble, first) == state.AlarmChanges(raised=(1,))
    for _again in range(3):
        assert look(app, trouble, first) == state.AlarmChanges()
    state.acknowledge(app.data, [1], app.clock.now(), who="li", note="seen")
    # other figures of the same trouble are no news; worse is
    assert look(app, trouble, Alarm(key="a", rank=1, values={"n": 2})) == state.AlarmChanges()
    assert state.get(app.data, 1).acked_by == "li"
    assert look(app, trouble, Alarm(key="a", rank=3, values={"n": 9})).worse == (1,)
    assert state.get(app.data, 1).acked_at is None
    assert look(app, trouble, Alarm(key="a", rank=2, values={"n": 5})) == state.AlarmChanges()
    assert look(app, trouble, Alarm(key="b", values={"n": 7})) == state.AlarmChanges(
        raised=(2,), cleared=(1,)
    )
    assert look(app, trouble).cleared == (2,)
    assert look(app, trouble, first).raised == (3,)  # there again is a new one
    assert state.get(app.data, 3).times == 1


def test_a_kind_that_is_switched_off_clears_its_alarms(app):
    trouble = Trouble()
    look(app, trouble, Alarm(values={"n": 1}))
    assert look(app, trouble, Alarm(values={"n": 1}), enabled=False).cleared == (1,)


def test_what_cannot_be_told_changes_nothing(app):
    trouble = Trouble()
    look(app, trouble, Alarm(values={"n": 1}))
    rule = trouble.rule()

    def broken(_app: Any, _settings: Any) -> list[Alarm]:
        raise RuntimeError("no")

    kind = AlarmKind(title="Trouble", find=broken, describe=rule.kind.describe)
    bad = rules.AlarmRule("trouble", kind, rule.domain, {}, {})
    found = checking.check(app, [bad])
    assert found.unknown.keys() == {"trouble"}
    assert found.changes == state.AlarmChanges()
    assert [each.id for each in state.alarms(app.data)] == [1]


def test_two_at_once_raise_once(app, profile):
    trouble = Trouble()
    trouble.now = [Alarm(key=str(n), values={"n": n}) for n in range(20)]
    raised, refused = [], []

    def one() -> None:
        own = App.open(profile)
        try:
            raised.append(checking.check(own, [trouble.rule()]).changes.raised)
        except checking.ConflictError:
            refused.append(1)
        finally:
            own.close()

    threads = [threading.Thread(target=one) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(number for each in raised for number in each) == list(range(1, 21))
    assert len(raised) + len(refused) == 6


def test_notices_are_handed_over_once_and_folded(app, monkeypatch):
    sent: list[tuple[str, str, str]] = []
    fails = [True]

    def send(_app: Any, name: str, text: str, ident: str) -> None:
        if fails:
            fails.pop()
            raise OSError("no line")
        sent.append((name, text, ident))

    real = checking.registry()

    class Registry:
        def named(self, field: str) -> Any:
            assert field == "senders"
            return {"robot": (real.domains[0], send)}

    monkeypatch.setattr(checking, "registry", Registry)
    monkeypatch.setattr(checking, "load", lambda where: where)
    trouble = Trouble()
    many = [Alarm(key=str(n), values={"n": n}) for n in range(30)]
    trouble.now = many
    to = ("robot:ops", "pigeon:x")
    first = checking.check(app, [trouble.rule(to=to)])
    assert first.unsent.keys() == {"robot:ops", "pigeon:x"}
    assert sent == []
    second = checking.check(app, [trouble.rule(to=to)])
    assert second.unsent.keys() == {"pigeon:x"}
    checking.check(app, [trouble.rule(to=to)])
    ((name, text, _ident),) = sent
    assert name == "ops"
    assert text.count("trouble") == checking.LINES
    assert "10 more alarms" in text
    trouble.now = []
    checking.check(app, [trouble.rule(to=to)])
    assert len(sent) == 2
    assert "over: trouble" in sent[1][1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "leaver_dedline"', "leaver_deadline"),
        ('kind = "disk"\nfree = 3', "free_mb"),
        ('kind = "disk"\nfree_mb = "3"', "whole number"),
        ('kind = "backup"\nafter = "soon"', "duration"),
        ('kind = "leaver_deadline"\ndays = 3', "list of whole numbers"),
        ('kind = "disk"\nto = "ops"', "way:name"),
        ('kind = "disk"\n[[rule]]\nkind = "disk"', "one rule"),
        ('[[rule]]\nkind = "disk"\n[[rule]]\nkind = "disk"', "already"),
        ("kind = ", "not valid TOML"),
    ],
)
def test_rules_that_are_not_understood(cli, profile, tmp_path, text, said):
    file = tmp_path / "rule.toml"
    file.write_text(text)
    answer = cli("alert", "rules", "--rules", str(file))
    assert answer.code == 2
    assert said in answer.err
    assert str(file) in answer.err


def test_rules_lie_beside_the_work_or_in_the_home(cli, profile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "rules" / "alert"
    folder.mkdir(parents=True)
    (folder / "disk.toml").write_text('kind = "disk"\nfree_mb = 500000000\n')
    found = {each["kind"]: each for each in cli("alert", "rules", "--json").json["items"]}
    assert found["disk"]["settings"] == {"free_mb": 500000000}
    assert found["backup"]["file"] == ""
    (tried,) = cli("alert", "test", "--kind", "disk", "--json").json["items"]
    assert tried["next_step"] == "storeops db path --all"
    assert cli("alert", "list", "--json").json["items"] == []
    assert cli("alert", "test", "--kind", "disc").code == 2


@pytest.fixture(scope="module")
def chain() -> Iterator[local.SandboxHandle]:
    with local.start(stores=2, staff=6, follows=60, seed=3) as handle:
        yield handle


def test_a_chain_in_trouble(cli, home, chain, remember):
    """Everything that a chain can show is raised once, gets worse, and is over."""
    config.save_profile(
        config.Profile(
            "demo", chain.corp_id, agent_id=chain.agent_id, base_url=chain.base_url, sandbox=True
        )
    )
    secrets.save("demo", chain.secret)
    remember(chain)

    def check() -> dict[str, Any]:
        found = cli("alert", "check", "--json", "--rules", str(off))
        assert found.code == 0, found.err
        return found.json

    off = home / "off.toml"
    off.write_text(
        "".join(f'[[rule]]\nkind = "{name}"\nenabled = false\n' for name in ("backup", "journal"))
    )
    assert cli("sync", "run", "--quiet").code == 0
    assert check() | {"unknown": 0} == {
        "raised": [], "worse": [], "cleared": [], "open": 0, "unknown": 0, "unsent": {},
    }  # fmt: skip
    assert cli("alert", "check", "--detailed-exitcode", "--rules", str(off)).code == 0

    listed = cli("customer", "list", "--where", "owners:1", "--limit", "1", "--json").json
    leaver = listed["items"][0]["follows"][0]["userid"]
    chain.control.act("staff_leave", userid=leaver)
    assert cli("sync", "run", "--quiet").code == 0
    assert check()["raised"] == []

    def of_leaver() -> list[dict[str, Any]]:
        listed = cli("alert", "list", "--cleared", "--kind", "leaver_deadline", "--json").json
        return [each for each in listed["items"] if each["key"] == leaver.lower()]

    times = []
    for days in (330, 6, 20, 3, 5):  # 35, 29, 9, 6 and then 1 day are left
        assert cli("sandbox", "clock", "advance", f"{days}d").code == 0
        assert cli("sync", "run", "--quiet").code == 0
        check()
        again = check()
        assert (again["raised"], again["worse"]) == ([], [])
        times.append([each["times"] for each in of_leaver()])
    assert times == [[], [1], [1], [2], [3]]
    (alarm,) = of_leaver()
    assert alarm["cleared_at"] is None
    assert alarm["next_step"] == f"storeops leaver plan {leaver}"
    assert cli(*alarm["next_step"].split()[1:], "--json").code in (0, 6)
    steps = {each["next_step"] for each in cli("status", "--json").json["steps"]}
    assert alarm["next_step"] in steps
    assert cli("alert", "list", "--detailed-exitcode").code == 10
    assert cli("alert", "ack", str(alarm["alert_id"]), "--note", "li does it").code == 0
    steps = {each["next_step"] for each in cli("status", "--json").json["steps"]}
    assert alarm["next_step"] not in steps
    cli("sandbox", "clock", "advance", "2d")  # the year is over: it says nothing any more
    assert alarm["alert_id"] in check()["cleared"]

    # WeCom refuses us: said with the address, once, and over when it is over
    cli("sandbox", "clock", "advance", "1h")
    fault = chain.control.fault("errcode", "*", errcode=60020)
    refused = check()
    shown = cli("alert", "list", "--kind", "credentials", "--json").json["items"][0]
    number = shown["alert_id"]
    assert number in refused["raised"]
    assert (shown["kind"], shown["key"], shown["next_step"]) == (
        "credentials", "60020", "storeops doctor",
    )  # fmt: skip
    chain.control.clear_faults(fault)
    cli("sandbox", "clock", "advance", "1h")
    assert number in check()["cleared"]

    # nobody syncs
    assert cli("sync", "run", "--quiet").code == 0
    check()

    def stale() -> list[int]:
        listed = cli("alert", "list", "--kind", "sync_stale", "--json").json["items"]
        return [each["times"] for each in listed]

    for hours, expected in ((30, [1]), (1, [1]), (72, [2]), (1, [2])):
        cli("sandbox", "clock", "advance", f"{hours}h")
        check()
        assert stale() == expected
    assert cli("sync", "run", "--quiet").code == 0
    check()
    assert stale() == []


def test_who_has_noted_an_alarm_and_why_stands_in_the_list(app, cli):
    trouble = Trouble()
    look(app, trouble, Alarm(key="a", values={"n": 1}))
    assert "Noted by" not in cli("alert", "list").out
    assert cli("alert", "ack", "1", "--note", "li does it", "--as", "wang").code == 0
    for form in ("table", "wide"):
        shown = cli("alert", "list", "-o", form).out
        assert "wang" in shown
        assert "li does it" in shown


def test_what_waits_for_a_target_that_its_rule_does_not_name_any_more_is_dropped(app):
    trouble = Trouble()
    trouble.now = [Alarm(values={"n": 1})]
    found = checking.check(app, [trouble.rule(to=("mail:nowhere", "pager:x"))])
    assert found.unsent.keys() == {"mail:nowhere", "pager:x"}
    written = trouble.rule(to=("pager:x",), file="trouble.toml")
    assert checking.check(app, [written]).unsent.keys() == {"pager:x"}
    assert checking.check(app, [trouble.rule(file="trouble.toml")]).unsent == {}
    trouble.now = [Alarm(key="again", values={"n": 1})]
    checking.check(app, [trouble.rule(to=("pager:X",))])
    respelt = trouble.rule(to=("Pager:x",), file="trouble.toml")
    assert checking.check(app, [respelt]).unsent.keys() == {"pager:X"}, "the same target"
    assert checking.check(app, [trouble.rule(file="trouble.toml")]).unsent == {}
    # other kinds are no business of this rule
    trouble.now = [Alarm(key="b", values={"n": 1})]
    checking.check(app, [trouble.rule(to=("pager:x",))])
    assert checking.check(app, []).unsent.keys() == {"pager:x"}


def test_a_rule_that_is_missing_drops_nothing_that_waits(cli, profile, tmp_path, monkeypatch):
    """Other files, a file moved away, another folder: none of them is a wish to hear nothing."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "rules" / "alert"
    folder.mkdir(parents=True)
    rule, other = folder / "disk.toml", tmp_path / "backup.toml"
    rule.write_text('kind = "disk"\nfree_mb = 9999999999\nto = ["pager:x"]\n', encoding="utf-8")
    other.write_text('kind = "backup"\n', encoding="utf-8")

    def unsent(*words: str) -> list[str]:
        return list(cli("alert", "check", *words, "--json").json["unsent"])

    assert unsent() == ["pager:x"]
    assert unsent("--rules", str(other)) == ["pager:x"]
    monkeypatch.chdir(folder)
    assert unsent() == ["pager:x"]
    monkeypatch.chdir(tmp_path)
    rule.rename(tmp_path / "away.toml")
    assert unsent() == ["pager:x"]
    rule.write_text('kind = "disk"\nenabled = false\n', encoding="utf-8")
    assert unsent() == []


def test_a_notice_bears_a_number_that_no_other_ever_had(app):
    """A sender that took a notice and died knows its number: another's would be lost in it."""
    trouble = Trouble()
    look(app, trouble, Alarm(key="a", values={"n": 1}), to=("pager:x",))
    ((first, *_rest),) = state.unsent(app.data)
    assert look(app, trouble, Alarm(key="a", values={"n": 1}), file="trouble.toml")
    assert not state.unsent(app.data)
    look(app, trouble, Alarm(key="b", values={"n": 1}), to=("pager:x",), file="trouble.toml")
    ((raised, *_rest),) = state.unsent(app.data)  # that a is over it need not hear: it never heard
    assert first < raised


def test_what_waited_in_an_earlier_version_waits_still(tmp_path):
    db = open_database(tmp_path / "data.db", schema.MIGRATIONS[:1])
    db.execute("INSERT INTO alert_notice VALUES (7, 1, 'raised', 5.0, 'pager:x', NULL)")
    db.close()
    db = open_database(tmp_path / "data.db", schema.MIGRATIONS)
    assert state.unsent(db) == [(7, 1, "raised", "pager:x")]
    db.close()


def test_a_target_that_is_not_there_is_told_before_it_is_needed(app, cli, tmp_path):
    from storeops.domains.notify import targets

    targets.save(app.data, "ops", "robot", app.clock.now())
    file = tmp_path / "disk.toml"
    file.write_text(
        'kind = "disk"\nto = ["robot:OPS", "robot:opps", "pager:x"]\n', encoding="utf-8"
    )
    told = cli("alert", "rules", "--rules", str(file)).err
    assert "robot:opps: there is no target opps" in told
    assert "pager:x: nothing that is installed sends by pager" in told
    assert "robot:OPS" not in told
    with file.open("a", encoding="utf-8") as rules_:  # who is switched off sends nothing anyway
        rules_.write("enabled = false\n")
    assert "opps" not in cli("alert", "rules", "--rules", str(file)).err


def test_a_target_named_later_hears_what_stands_once_and_no_end_of_what_it_never_heard(
    app, monkeypatch
):
    sent: list[tuple[str, str]] = []
    real = checking.registry()

    class Registry:
        def named(self, field: str) -> Any:
            def send(_app: Any, name: str, text: str, _ident: str) -> None:
                sent.append((name, text))

            return {"robot": (real.domains[0], send)}

    monkeypatch.setattr(checking, "registry", Registry)
    monkeypatch.setattr(checking, "load", lambda where: where)
    trouble = Trouble()
    known = {"trouble": (real.domains[0], trouble.rule().kind)}
    monkeypatch.setattr(state, "kinds", lambda: known)
    look(app, trouble, Alarm(key="a", values={"n": 1}), Alarm(key="b", values={"n": 2}))
    state.acknowledge(app.data, [2], app.clock.now(), who="li")
    both = Alarm(key="a", values={"n": 1}), Alarm(key="b", values={"n": 2})
    for _again in range(2):
        assert look(app, trouble, *both, to=("robot:ops",)) == state.AlarmChanges()
    assert sent == [("ops", "trouble 1 storeops status")]  # 2 was seen to before
    sent.clear()
    look(app, trouble, to=("robot:ops",))
    assert sent == [("ops", "over: trouble 1")]
