"""A third party's domain, installed as a package of its own: it works everywhere, and nothing of
the tree was edited for it; taken away, it leaves a working tool and its table."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from storeops import config, paths, secrets
from storeops.sandbox import local

ACME = Path(__file__).parent / "acme_loyalty"
CHINESE = """msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "Loyalty points."
msgstr "会员积分。"

msgid "Gold level"
msgstr "金卡级"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package was installed by pip, without network."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    folder = tmp_path_factory.mktemp("acme")
    source = folder / "source"
    shutil.copytree(ACME, source)
    (folder / "zh.po").write_text(CHINESE, encoding="utf-8")
    with (folder / "zh.po").open("rb") as text:
        catalogue = read_po(text, locale="zh_CN")
    target = source / "acme_loyalty/locale/zh_CN/LC_MESSAGES/loyalty.mo"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as handle:
        write_mo(handle, catalogue)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--disable-pip-version-check"),
            *("--target", str(folder / "site"), str(source)),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "site"


# carries out one command line after the other: an interpreter a command is most of what it costs
ONE_AFTER_THE_OTHER = """
import contextlib, io, json, sys
from commands.main import run
asked, answered = sys.stdin, sys.stdout
sys.stdin = open("/dev/null")
for line in asked:
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in "12")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(json.loads(line))
    said = [each.buffer.getvalue().decode() for each in (out, err)]
    print(json.dumps([code, *said]), file=answered, flush=True)
"""


@dataclass
class Shop:
    """A synced sandbox chain and a shell with, or without, the package."""

    site: Path
    home: Path
    handle: local.SandboxHandle
    shell: subprocess.Popen[str] | None = None

    def run(self, *words: str, installed: bool = True, **environment: str) -> Any:
        path = {"PYTHONPATH": str(self.site)} if installed else {}
        if installed and not environment and self.shell is not None:
            assert self.shell.stdin
            assert self.shell.stdout
            print(json.dumps(words), file=self.shell.stdin, flush=True)
            return subprocess.CompletedProcess(words, *json.loads(self.shell.stdout.readline()))
        return subprocess.run(
            [sys.executable, "-m", "storeops", *words],
            env={**os.environ, "STOREOPS_HOME": str(self.home), **path, **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )

    def json(self, *words: str, code: int = 0, **how: Any) -> Any:
        done = self.run(*words, "--json", **how)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout or done.stderr)

    def python(self, code: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "STOREOPS_HOME": str(self.home), "PYTHONPATH": str(self.site)},
            capture_output=True,
            text=True,
            timeout=120,
            cwd=Path(__file__).parents[2],
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def shop(site: Path, home: Path) -> Iterator[Shop]:
    """The chain, synced with the package there."""
    with local.start(stores=2, staff=6, follows=60, seed=3) as handle:
        config.save_profile(
            config.Profile(
                "shop", handle.corp_id, agent_id=handle.agent_id, base_url=handle.base_url,
                sandbox=True,
            )
        )  # fmt: skip
        secrets.save("shop", handle.secret)
        shop = Shop(site, home, handle)
        with subprocess.Popen(
            [sys.executable, "-c", ONE_AFTER_THE_OTHER],
            env={**os.environ, "STOREOPS_HOME": str(home), "PYTHONPATH": str(site)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as shop.shell:
            synced = shop.json("sync", "run")
            assert {each["scope"] for each in synced["scopes"]} >= {"follows", "loyalty"}
            yield shop
            shop.shell.communicate()


def test_it_is_named_with_its_package(shop: Shop) -> None:
    (found,) = [each for each in shop.json("plugin", "list")["items"] if each["name"] == "loyalty"]
    assert (found["package"], found["version"], found["usable"]) == ("acme-loyalty", "1.2.0", True)
    assert found["brings"]["conditions"] == ["points", "level"]
    assert "loyalty" in shop.run("--help").stdout
    assert "会员积分。" in shop.run("loyalty", "--help", STOREOPS_LANG="zh_CN").stdout


def test_it_works_in_commands_rules_and_plans(shop: Shop) -> None:
    rows = shop.json("customer", "list", "--where", "owners:1 has:remark", "--limit", "3")["items"]
    first, second, third = (each["external_userid"] for each in rows)
    shop.json("loyalty", "set", first, "500", "--level", "gold")
    shop.json("loyalty", "set", second, "50")

    # the scope, in its own table
    db = sqlite3.connect(paths.data_db("shop"))
    assert db.execute("SELECT count(*) FROM loyalty_guide").fetchone()[0] > 0
    assert db.execute("SELECT count(*) FROM loyalty_refreshed").fetchone()[0] == 1
    assert "loyalty" in {each["scope"] for each in shop.json("status")["scopes"]}

    # condition, negation, facet, column, card, Today, checks, completion
    found = shop.json("customer", "list", "--where", "points:>100")["items"]
    assert [(each["external_userid"], each["points"]) for each in found] == [(first, 500)]
    for kind in ("ndjson", "csv", "xlsx", "parquet"):
        path = shop.home.parent / f"points.{kind}"
        words = ["customer", "export", str(path), "--where", "points:>0"]
        assert shop.json(*words, *([] if kind == "csv" else ["--raw"]))["rows"] == 2
        assert {"500", "50"} == set(_cells(path, "Points" if kind == "csv" else "points"))
    only = shop.run("customer", "export", "-", "--where", "points:>100", "--fields", "name,points")
    assert only.stdout.splitlines()[0] == "name,points"
    assert only.stdout.splitlines()[1].endswith(",500")
    listed = shop.json("customer", "list", "--where", "积分:>10 !level:gold")["items"]
    assert [each["external_userid"] for each in listed] == [second]
    assert third not in json.dumps(shop.json("customer", "list", "--where", "points:>0"))
    wrong = shop.json("customer", "list", "--where", "level:brass", code=2)
    assert "silver" in wrong["hint"]
    counted = shop.json("stats", "--by", "level")["items"]
    assert {(each["name"], each["customers"]) for each in counted} == {
        ("Gold level", 1),
        ("silver", 1),
    }
    section = shop.json("customer", "show", first)["sections"]["loyalty"]
    assert section["data"] == {"points": 500, "level": "gold"}
    assert "Loyalty" in shop.run("customer", "show", first).stdout
    assert {
        "domain": "loyalty",
        "text": "1 customers are gold.",
        "next_step": "storeops loyalty list",
    } in shop.json("status")["steps"]
    checks = shop.json("doctor")["findings"]
    assert ("loyalty", "ok") in {(each["check"], each["status"]) for each in checks}
    assert shop.json("report", "points", "--on", "today")["rows"][0]["points"] == 500
    page = shop.home.parent / "points.html"
    shop.run("report", "points", "--out", str(page))
    assert "1 photo is not in this page." in page.read_text("utf-8")
    assert '<td class="n">500<svg' in page.read_text("utf-8")
    assert "points" in {each["name"] for each in shop.json("report", "list")["items"]}
    offered = shop.python(
        "from storeops.app import App\nfrom storeops.operations import completion_values\n"
        "app = App.open()\n"
        "print(completion_values.filters(app.data, 'level:g'))\napp.close()"
    )
    assert "level:gold" in offered

    # a task for the night, which runs with the package there
    proposed = {each["name"]: each for each in shop.json("schedule", "defaults")["items"]}
    assert proposed["loyalty"]["command"] == "storeops loyalty list"
    shop.run("schedule", "defaults", "--add")
    assert first in shop.json("schedule", "run", "loyalty")["output"]

    # an alarm of its own, sent its own way, by a rule
    rule = shop.home / "gold.toml"
    rule.write_text('kind = "loyalty_gold"\nto = ["till:front"]\n')
    looked = shop.json("alert", "check", "--rules", str(rule))
    (alarm,) = shop.json("alert", "list", "--kind", "loyalty_gold")["items"]
    assert alarm["alert_id"] in looked["raised"]
    assert (alarm["text"], alarm["next_step"]) == ("1 are gold.", "storeops loyalty list")
    printed = db.execute("SELECT userid FROM loyalty_guide WHERE userid LIKE 'front %'").fetchall()
    assert printed == [("front 1 are gold. storeops loyalty list",)]

    # a rule of tags, and a plan of the core, by its condition
    tags = shop.json("tag", "list")["items"]
    plan = shop.json("tag", "plan", "--add", tags[0]["tag_id"], "--where", "level:gold")
    assert plan["rows"] <= 1

    # its own Action, and the undo of it
    owner = found[0]["follows"][0]["userid"]
    gift = shop.json("loyalty", "gift", owner, first, "a milk jug")
    assert (gift["kind"], gift["ready"]) == ("loyalty_gift", 1)
    shop.json("plan", "apply", gift["plan_id"], "--yes")
    assert shop.handle.corp_id
    after = shop.json("customer", "show", first)["follows"][0]
    assert after["description"] == "a milk jug"
    undone = shop.json("plan", "undo", gift["plan_id"])
    assert "1 have said thanks already." in [each["message"] for each in undone["problems"]]
    shop.json("plan", "apply", undone["plan_id"], "--yes")
    assert shop.json("customer", "show", first)["follows"][0]["description"] != "a milk jug"

    # erasing a person
    gone = shop.json("audit", "erase", second, "--yes")
    assert gone["points"] == 1
    assert db.execute("SELECT external_userid FROM loyalty_points").fetchall() == [(first,)]
    db.close()
    _at_a_shop(shop)


AT_A_SHOP = """
import json, time
from storeops.app import App
from storeops.changes import plans, submissions
from storeops.changes.apply import apply
from storeops.changes.action import Row
from storeops.errors import PolicyError
from storeops.hub import (arriving, asking, deciding, guard, joining, outbox, publishing,
                          requests, settings, stores)
from storeops.mirror import meta
from storeops.notebook.stores import Shop, save_shops

office = App.open("shop")
data = office.data
department, customer, external, userid = data.execute(
    "SELECT f.store_id, c.id, c.external_userid, s.userid FROM loyalty_points AS p JOIN customer"
    " AS c ON c.external_userid = p.external_userid JOIN follow AS f ON f.customer_id = c.id"
    " JOIN staff AS s ON s.id = f.staff_id WHERE p.points = 500"
).fetchone()
save_shops(data, [Shop(department, "A-1")], time.time())
hub = settings.create("shop", url="nats://127.0.0.1:1")
outbox.install(data)
store, key = stores.add(data, "A-1", time.time())
file = joining.make(hub, office.profile.corp_id, store, key, time.time())
joining.join(file, "back")
back = App.open("back")
number = 0

def down():
    global number
    while (batch := publishing.take(data, time.time())).last:
        mine = [m for m in batch.messages if m.store in (0, store.department_id)]
        number += 1000
        arrived = [
            arriving.ArrivedThing(m.kind, m.key, m.payload, number + at, len(mine) - 1 - at)
            for at, m in enumerate(mine)
        ]
        arriving.write(back.data, arrived, time.time(), sure=True)
        publishing.done(data, batch, {})
    asking.settle(back)

with back.data.atomic() as connection:
    meta.write(connection, meta.FED_BY, "x")
guard.install(back.data)
down()
points = "SELECT points FROM loyalty_points WHERE external_userid = ?"
print(back.data.execute(points, (external,)).fetchone()[0])
try:
    with back.data.atomic() as connection:
        connection.execute("UPDATE loyalty_points SET points = 0")
except PolicyError as error:
    print(error.exit_code)
with back.data.atomic() as connection, meta.letting(connection):
    connection.execute("UPDATE loyalty_points SET points = 507")
for body in ({"customer": external, "points": 7}, {"customer": "wmnobody", "points": 7}):
    with back.data.atomic() as connection:
        submissions.make(connection, "loyalty_points", body, "anna", time.time())
for _id, name, kind, body, by, at in submissions.waiting(back.data):
    told = json.dumps({"body": json.loads(body), "by": by, "at": at}).encode()
    message = asking.submission_message(file, name, kind, told)
    print(bool(requests.receive(office.ledger, store.department_id, message)["refused"]))
down()
print(*(app.data.execute(points, (external,)).fetchone()[0] for app in (office, back)))

# a plan of its kind, which it says shops may ask for: asked for there, planned anew at head office
(before,) = back.data.execute(
    "SELECT f.description FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
    " WHERE f.customer_id = ? AND s.userid = ?", (customer, userid)).fetchone()
row = Row(1, external, userid, before={"description": before}, after={"description": "a cup"})
plan = plans.make(back.ledger, "loyalty_gift", [row])
apply(back.ledger, plan.name)
((name, body),) = back.data.execute("SELECT request_id, body FROM hub_asked").fetchall()
(message,) = asking.messages(file, name, body)
print(requests.receive(office.ledger, store.department_id, message))
deciding.go_on(office)
down()
print(plans.get(back.data, plan.name).status, requests.find(data, name).reason)
for app in (back, office):
    app.close()
"""


def _at_a_shop(shop: Shop) -> None:
    """Its rows arrive at a back office, are guarded there, and what is submitted goes up."""
    said = shop.python(AT_A_SHOP).splitlines()
    assert said == [
        "500", "11", "False", "True", "507 507", "{'taken': 'new'}", "applied ",
    ]  # fmt: skip


def test_its_events_are_handled_and_its_screen_opens(shop: Shop) -> None:
    (row,) = shop.json("customer", "list", "--where", "owners:1", "--limit", "1")["items"]
    who = row["external_userid"]
    said = shop.python(f"""
import asyncio
from tests.events.sealing import KEY, TOKEN, event, request
from storeops.app import App
from storeops.domains.sandbox import demo
from storeops.operations import at_once, events

app = App.open()
events.keep_keys(app.profile, TOKEN, KEY)
receiver = events.open_receiver(app)
message = event(int(app.clock.now()), Event="loyalty_points", ChangeType="earned",
                ExternalUserID={who!r})
receiver.receive(*request(message, corp=app.profile.corp_id, timestamp=str(int(app.clock.now()))))
with at_once.beside(app):
    done = events.handle(app)
print(app.data.execute("SELECT count(*) FROM loyalty_bell").fetchone())
print(app.data.execute("SELECT points FROM loyalty_points").fetchall())
from acme_loyalty.event import ring
print(ring.wound > 0)

async def look():
    from tui.app import StoreOpsApp
    screens = StoreOpsApp(app, start="loyalty")
    async with screens.run_test(size=(100, 30)) as pilot:
        await pilot.pause(1.0)
        line = screens.screen.query_one("#list").line
        print(type(screens.screen).__name__, line.key == {who!r}, "loyalty" in screens.used)

asyncio.run(look())
print("loyalty list" in [each.command for each in demo.furnish(app)])
app.close()
""")
    assert said.splitlines() == ["(1,)", "[(1,)]", "True", "LoyaltyScreen True True", "True"]


def test_taken_away_it_leaves_a_working_tool_and_its_table(shop: Shop) -> None:
    (row,) = shop.json("customer", "list", "--limit", "1")["items"]
    shop.json("loyalty", "set", row["external_userid"], "7")
    gone = {"installed": False}
    assert "loyalty" not in {each["name"] for each in shop.json("plugin", "list", **gone)["items"]}
    assert shop.json("sync", "run", **gone)["outcome"] == "complete"
    assert "points" not in shop.json("customer", "list", "--limit", "1", **gone)["items"][0]
    assert shop.run("loyalty", "list", **gone).returncode == 2
    assert shop.json("customer", "list", "--where", "points:>1", code=2, **gone)["hint"]
    assert shop.run("status", **gone).returncode == 0
    db = sqlite3.connect(paths.data_db("shop"))
    assert db.execute("SELECT points FROM loyalty_points").fetchall() == [(7,)]
    db.close()
    # and back again
    assert shop.json("loyalty", "list")["items"][0]["points"] == 7


BROKEN = {
    "raises": "raise RuntimeError('no')",
    "no_domain": "DOMAIN = 3",
    "newer": "from storeops.domain import Domain\nDOMAIN = Domain(name='x', title='x', api=99)",
    "needs": "from storeops.domain import Domain\n"
    "DOMAIN = Domain(name='x', title='x', needs=('y',))",
    "takes": "from storeops.domain import Domain\n"
    "DOMAIN = Domain(name='x', title='x', actions={'tag': 'a:b'})",
    "tables": "from storeops.domain import Domain\n"
    "DOMAIN = Domain(name='x', title='x', tables='not.there')",
    "condition": "from storeops.domain import Domain\n"
    "DOMAIN = Domain(name='x', title='x', conditions={'x': 'not.there:X'})",
    "ends": "print('hello')\nraise SystemExit(3)",
    "shape": "from storeops.domain import Domain\n"
    "DOMAIN = Domain(name='x', title='x', nouns=('x',), screens=None)",
    "core": "from storeops.domain import Domain\n"
    "DOMAIN = Domain(name='x', title='x', conditions={'owner': 'a:b'})",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_one_is_named_and_left_out(kind: str, tmp_path: Path, home: Path) -> None:
    info = tmp_path / f"bad_{kind}-0.1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text(f"[storeops.domains]\nx = bad_{kind}:DOMAIN\n")
    (tmp_path / f"bad_{kind}.py").write_text(BROKEN[kind])
    config.save_profile(config.Profile("shop", "ww0123456789abcdef"))
    shop = Shop(tmp_path, home, None)  # type: ignore[arg-type]
    answer = shop.run("customer", "list", "--json")
    assert answer.returncode == 0, answer.stderr
    assert "Traceback" not in answer.stderr
    (found,) = [each for each in shop.json("plugin", "list")["items"] if each["name"] == "x"]
    assert not found["usable"]
    assert found["reason"]
    assert found["package"] == f"bad-{kind}".replace("_", "-")


def _cells(path: Path, name: str) -> list[str]:
    """What one column of an exported file says."""
    if path.suffix == ".ndjson":
        return [str(json.loads(line)[name]) for line in path.read_text("utf-8").splitlines()]
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return [row[name] for row in csv.DictReader(file)]
    if path.suffix == ".parquet":
        from pyarrow.parquet import read_table

        return [str(value) for value in read_table(path)[name].to_pylist()]
    from python_calamine import CalamineWorkbook

    head, *rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return [f"{row[head.index(name)]:.0f}" for row in rows]
