"""A second host of head office: it stands by, reads its copy, and takes over what was acknowledged.

Both hosts are Apps of this process, as two profiles of one home; the drill kills processes.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from storeops import config
from storeops.app import App
from storeops.changes import control, elsewhere, plans, relations
from storeops.changes.apply import apply
from storeops.changes.verify import verify
from storeops.domains.tags.tagging import tag_row
from storeops.errors import ConfigError, NetworkError, PolicyError, UsageError
from storeops.hub import asking, copying, following, hosts, joining_hosts, office, server, state
from storeops.hub import settings as hub_settings
from storeops.hub.leading import Leadership
from storeops.sandbox import local
from tests.conftest import Cli
from tests.hub.conftest import CODES, Chain

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="head office has one host there")

LEASE_S = 6.0


def until(true: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


class Two:
    """The first host is the profile `office`, the second `second`."""

    def __init__(self, home: Path, sandbox: local.SandboxHandle) -> None:
        self.chain = Chain(home, sandbox)
        self.shop = self.chain.backs[CODES[0]]
        with pytest.raises(UsageError):  # its server would end with it
            joining_hosts.make(self.chain.office.profile, "two", "one")
        self.chain.office.close()
        settings = hub_settings.create("office", external=True)
        self.server = server.ServerProcess("office", settings)
        self.server.start({}, time.time() - 60)
        self.card = joining_hosts.make(self.chain.office.profile, "two", "one")
        first = hosts.find("office")
        assert first is not None
        hosts.save("office", replace(first, lease_s=LEASE_S))
        joining_hosts.join(replace(self.card, lease_s=LEASE_S), "second")
        self.asked = 0
        self.stops: dict[str, threading.Event] = {}
        self.threads: dict[str, threading.Thread] = {}
        self.apps: dict[str, App] = {}

    def serve(self, profile: str) -> None:
        self.stops[profile] = threading.Event()
        self.apps[profile] = App.open(profile)
        self.threads[profile] = threading.Thread(
            target=office.serve, args=(self.apps[profile],), kwargs={"stop": self.stops[profile]}
        )
        self.threads[profile].start()

    def end(self, profile: str) -> None:
        self.stops[profile].set()
        self.threads[profile].join(60)
        self.apps[profile].close()

    def ask(self) -> None:
        """The shop asks for a tag on two follows, on others each time."""
        self.apply(self.shop, 2)

    def apply(self, app: App, count: int) -> plans.Plan:
        """A plan of a tag for so many follows, others each time, applied."""
        data = app.data
        pairs = data.execute(
            "SELECT s.userid, c.external_userid FROM follow AS f JOIN staff AS s"
            " ON s.id = f.staff_id JOIN customer AS c ON c.id = f.customer_id"
            " WHERE f.status = 'active' AND f.store_id = ? ORDER BY f.id LIMIT ? OFFSET ?",
            (self.chain.departments[0], count, self.asked),
        ).fetchall()
        self.asked += count
        found = [each for each in relations.by_pairs(data, pairs) if each is not None]
        present = relations.tags_of(data, [each.follow_id for each in found])
        tags = [row[0] for row in data.execute("SELECT tag_id FROM tag ORDER BY tag_id")]
        rows = []
        for number, each in enumerate(found, start=1):
            rows.append(
                next(
                    row
                    for tag in tags
                    if (row := tag_row(number, each, present[each.follow_id], [tag], []))
                )
            )
        plan = plans.make(app.ledger, "tag", rows, title="wished")
        apply(app.ledger, plan.name)
        return plan

    def close(self) -> None:
        for profile in list(self.threads):
            self.end(profile)
        for app in self.chain.backs.values():
            app.close()
        self.server.stop()


@pytest.fixture(scope="module")
def made_two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    home = tmp_path_factory.mktemp("two") / "home"
    before = os.environ.get("STOREOPS_HOME")
    os.environ["STOREOPS_HOME"] = str(home)
    with local.start(stores=3, staff=9, follows=60, seed=11) as sandbox:
        made = Two(home, sandbox)
        try:
            yield made
        finally:
            os.environ["STOREOPS_HOME"] = str(home)
            made.close()
    os.environ.pop("STOREOPS_HOME", None)
    if before is not None:
        os.environ["STOREOPS_HOME"] = before


@pytest.fixture
def two(made_two: Two, monkeypatch: pytest.MonkeyPatch) -> Two:
    monkeypatch.setenv("STOREOPS_HOME", str(made_two.chain.home))
    return made_two


@pytest.fixture
def home(two: Two) -> Path:
    """The command line works in the home of both hosts."""
    return two.chain.home


def test_a_file_of_a_host_is_for_its_owner_alone(two: Two, tmp_path: Path, cli: Cli) -> None:
    made = cli("--profile", "office", "hub", "host", "add", "three", "--out", str(tmp_path / "3"))
    assert made.code == 0, made
    assert (tmp_path / "3").stat().st_mode & 0o777 == 0o600
    file = joining_hosts.load(tmp_path / "3")
    assert file is not None
    assert file.id != two.card.id
    assert two.chain.sandbox.secret in file.secrets.values()
    assert two.chain.sandbox.secret not in repr(file)
    again = cli("profile", "join", str(tmp_path / "3"), "--name", "third")
    assert again.code == 0, again
    assert config.load().profiles["third"].corp_id == two.chain.sandbox.corp_id
    taken = cli("profile", "join", str(tmp_path / "3"), "--name", "shop-SH-1")
    assert taken.code == 9


def test_the_second_host_takes_over(two: Two, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="no copy"):
        App.open("second").data  # noqa: B018
    two.serve("office")
    until(lambda: hosts.lead("office").until > hosts.now_s())
    rules = ("hub", "requests", "rules")
    given = ("--rows", "1999", "--approve-above", "1")
    assert cli("--profile", "office", *rules, *given).code == 0
    two.serve("second")
    until(lambda: hosts.own_data("second").epoch == 1)
    until(lambda: state.read(two.shop.data.connection, "epoch") or follow(two))

    # it reads its copy, and does nothing else
    reading = App.open("second")
    count = "SELECT count(*) FROM follow"
    assert (
        reading.data.execute(count).fetchone() == two.apps["office"].data.execute(count).fetchone()
    )
    with pytest.raises(PolicyError, match="led by one"), reading.data.atomic():
        pass
    with pytest.raises(PolicyError, match="led by one"):
        reading.make_client(reading.tokens)
    told = cli("--profile", "second", "hub", "status", "--json").json
    assert told["leader"] == "one"
    assert {(each["host"], each["state"]) for each in told["hosts"]} == {
        ("one", "leads"), ("two", "stands_by"),
    }  # fmt: skip
    refused = cli("--profile", "second", "mark", "add", "m", "--where", "status:active")
    assert (refused.code, "led by one" in refused.err) == (11, True)
    assert cli("--profile", "second", *rules, "--rows", "5").code == 11
    assert cli("--profile", "second", *rules, "--json").json["request_rows"] == 1999

    # what the shop was told is taken is known at the other host, however this one ends
    two.ask()
    assert asking.send(two.shop).waiting == 0

    # and head office's own plan is being sent, with another one queued behind and one paused
    here = App.open("office")
    until(lambda: here.data.execute("SELECT 1 FROM hub_request WHERE status = 'asked'").fetchone())
    own = two.apply(here, 8)
    two.apply(here, 1)
    control.pause(here.ledger, two.apply(here, 1).name)
    two.chain.sandbox.control.settings(latency_ms=300)
    sending = threading.Thread(target=send, args=(here, own))
    sending.start()
    until(lambda: calls(two) >= 4)
    whole: list[str] = []
    put_back = copying._put_back
    monkeypatch.setattr(
        copying, "_put_back", lambda copy, made: whole.append(copy.name) or put_back(copy, made)
    )
    ended = Leadership.end
    monkeypatch.setattr(Leadership, "end", lambda self, *, release: ended(self, release=False))
    stale = App.open("office")
    stale.data  # noqa: B018
    two.end("office")
    monkeypatch.setattr(Leadership, "end", ended)
    with pytest.raises(PolicyError), stale.data.atomic():
        pass
    stale.close()
    del two.threads["office"]
    sending.join(60)
    here.close()
    two.chain.sandbox.control.settings(latency_ms=0)
    until(lambda: hosts.lead("second").name == "two" and hosts.lead("second").until)
    assert "data" not in whole  # what was kept warm took its place
    now = App.open("second")
    until(lambda: states(now) == {"done": 8 + 1, "queued": 1, "planned": 2})
    assert calls(two) == 8 + 1
    later = two.apply(now, 1)  # nobody began to send that one: it waits for `job run`
    until(lambda: not state.number(now.data.connection, state.BEGUN))
    (paused,) = [each for each in plans.listing(now.data) if each.paused]
    control.pause(now.ledger, paused.name, resume=True)  # and so does that
    assert (
        elsewhere.begun_elsewhere(now.data, state.number(now.data.connection, state.BEGUN)) is None
    )
    assert elsewhere.asked_for(now.data) is None
    control.pause(now.ledger, paused.name)
    control.cancel_plan(now.ledger, later.name)
    (request,) = cli("--profile", "second", "hub", "requests", "list", "--json").json["items"]
    assert request["status"] == "asked"
    # the plan was made at the other host, whose profile is called otherwise
    approve = ("hub", "requests", "approve", request["request_id"])
    assert cli("--profile", "second", *approve).code == 0
    assert cli("--profile", "second", *rules, "--approve-above", "20").code == 0
    two.ask()
    until(lambda: asking.send(two.shop).waiting == 0)
    until(lambda: follow(two) or states(two.shop) == {"done": 4})
    assert calls(two) == 8 + 1 + 4

    with pytest.raises(PolicyError), reading.data.atomic():  # it was opened on the copy
        pass
    reading.close()
    assert verify(now.data, now.ledger.journal).whole
    lines = [row[0] for row in now.data.execute("SELECT kind FROM journal ORDER BY seq")]
    assert lines.count("hub.takeover") == 2
    now.close()


def follow(two: Two) -> None:
    with suppress(NetworkError):
        following.follow(two.shop, once=True)


def states(app: App) -> dict[str, int]:
    """Rows of all plans by how they stand."""
    return dict(app.data.execute("SELECT status, count(*) FROM plan_row GROUP BY 1").fetchall())


def calls(two: Two) -> int:
    """How often WeCom was asked to mark a tag."""
    told = two.chain.sandbox.control.calls()["paths"]
    return int(told.get("externalcontact/mark_tag", {}).get("calls", 0))


def send(app: App, plan: plans.Plan) -> None:
    """Send it as `plan apply` does, until another host leads."""
    with suppress(PolicyError):
        app.worker().run(plan_id=plan.id)
