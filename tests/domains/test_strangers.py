"""Whatever a package of somebody else's does: its part is left out and named, the rest goes on."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from types import ModuleType

import pytest

from storeops import app as app_room
from storeops import config, domain
from storeops.app import App
from storeops.domain import CORE_NAMES, Domain, Found, Noun, Registry, load
from storeops.errors import StoreOpsError
from storeops.operations import domains
from storeops.reading import columns, conditions
from storeops.sync import run as sync_run
from storeops.sync import scopes

SCHEMA = """
from storeops.database.migrations import statements
def made(room, name, sql):
    return statements(room, name, sql)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Registry]:
    """Make packages of (name, source of `acme_NAME`), each with its DOMAIN, the domains there."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(**sources: str) -> Registry:
        points = []
        for name, source in sources.items():
            sys.modules.pop(f"acme_{name}", None)
            (tmp_path / f"acme_{name}.py").write_text(
                f"from storeops.domain import *\n{source}", encoding="utf-8"
            )
            points.append((name, f"acme_{name}:DOMAIN", f"acme-{name}", "1"))
        made = Registry(points, CORE_NAMES)
        for room in (app_room, domain, domains, columns, conditions, scopes):
            monkeypatch.setattr(room, "registry", lambda: made)
        for kept in (columns.columns, conditions.conditions, conditions.words, scopes.scopes):
            kept.cache_clear()
        return made

    yield make
    for kept in (columns.columns, conditions.conditions, conditions.words, scopes.scopes):
        kept.cache_clear()


def reasons(found: Registry) -> dict[str, str]:
    return {each.name: each.reason for each in found.found}


def test_the_names_of_the_core_are_those_that_the_rooms_bring() -> None:
    from commands.main import CORE as NOUNS
    from storeops.reading.filter_words import KEYS
    from tui.screen_registry import CORE as SCREENS

    answers = json.loads(Path("commands/answers.json").read_text("utf-8"))
    own = {name for each in domain.registry().domains for name in each.columns}
    row = set(answers["customer list"]["row"]) - own
    assert set(CORE_NAMES["nouns"]) == {each.name for each in NOUNS}
    assert set(CORE_NAMES["screens"]) == {each.name for each in SCREENS}
    assert set(CORE_NAMES["scopes"]) == set(scopes.CORE)
    assert set(CORE_NAMES["conditions"]) == set(KEYS.values())
    assert set(CORE_NAMES["columns"]) >= row
    for kind, names in CORE_NAMES.items():
        assert Registry([], {kind: names})._taken[kind] == set(names)


def test_what_is_printed_while_a_package_is_imported_is_no_answer(install) -> None:
    answer = io.StringIO()
    with redirect_stdout(answer):
        found = install(loud="print('hello')\nDOMAIN = Domain(name='loud', title='Loud')")
    assert reasons(found) == {"loud": ""}
    assert answer.getvalue() == ""


def test_an_answer_is_printed_while_another_thread_imports(tmp_path, monkeypatch, capsys) -> None:
    """stdout is one for all threads: `events serve` said its URL on stderr."""
    inside, on = threading.Event(), threading.Event()
    monkeypatch.setattr(sys, "gate_of_test", (inside, on), raising=False)
    (tmp_path / "acme_slow.py").write_text(
        "import sys\nsys.gate_of_test[0].set()\nsys.gate_of_test[1].wait(9)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    loading = threading.Thread(target=load, args=("acme_slow",))
    loading.start()
    assert inside.wait(9)
    print("answer")
    on.set()
    loading.join()
    assert capsys.readouterr().out == "answer\n"


def test_shops_may_be_let_ask_for_kinds_of_its_own_alone(install) -> None:
    of = "DOMAIN = Domain(name='{0}', title='x', actions={{'a_{0}': 'acme_{0}:A'}}, {1})"
    found = install(
        own=of.format("own", "approved_requests=('a_own',)"),
        other=of.format("other", "requests=('tag',)"),
    )
    why = reasons(found)
    assert "requests" in why["other"]
    assert why["own"] == ""


def test_parts_that_are_no_such_parts_are_found_when_they_are_tried(install) -> None:
    of = "DOMAIN = Domain(name='{0}', title='x', {1})"
    condition = "from storeops.reading.conditions import Condition\nC = Condition(words=({0}),"
    condition += "source=lambda value, now: ('SELECT 1 AS customer_id', ()))\n"
    found = install(
        three="C = 3\n" + of.format("three", "scopes={'three': 'acme_three:C'}"),
        noun=of.format("noun", "nouns=(Noun(name='odd', module='not_there', help='x'),)"),
        tag=condition.format("'标签',") + of.format("tag", "conditions={'odd': 'acme_tag:C'}"),
        first=condition.format("'保养',") + of.format("first", "conditions={'a': 'acme_first:C'}"),
        other=condition.format("'保养',") + of.format("other", "conditions={'b': 'acme_other:C'}"),
        room=SCHEMA + "MIGRATIONS = (made('orders', 'm1', 'SELECT 1;'),)\n"
        + of.format("room", "tables='acme_room'"),
    )  # fmt: skip
    domains.try_strangers()
    why = reasons(found)
    assert "SyncScope" in why["three"]
    assert "not_there" in why["noun"]
    assert "标签" in why["tag"]
    assert "保养" in why["other"]
    assert "room" in why["room"]
    assert why["first"] == ""
    assert [each.name for each in found.domains] == ["first"]


@pytest.mark.parametrize("fault", ["half", "taken", "newer"])
def test_tables_that_cannot_be_made_cost_their_domain_alone(install, home, fault: str) -> None:
    config.save_profile(config.Profile("shop", "ww0123456789abcdef"))
    of = "DOMAIN = Domain(name='till', title='x', tables='acme_till')\n"
    made = "made('till', 'm1', 'CREATE TABLE till_a (id INTEGER);')"
    if fault == "newer":
        install(till=f"{SCHEMA}MIGRATIONS = ({made}, made('till', 'm2', 'SELECT 1;'))\n{of}")
        app = App.open()
        app.data  # noqa: B018
        app.close()
        steps = made
    else:
        second = "INSERT INTO nowhere VALUES (1);" if fault == "half" else "CREATE TABLE plan (a);"
        steps = f"made('till', 'm1', 'CREATE TABLE till_a (id INTEGER);\\n{second}')"
    found = install(till=f"{SCHEMA}MIGRATIONS = ({steps},)\n{of}")
    assert reasons(found) == {"till": ""}
    app = App.open()
    said: list[str] = []
    app.on_notice = said.append
    tables = {name for (name,) in app.data.execute("SELECT name FROM sqlite_master")}
    behind = domains.left_behind(app.data.connection)
    app.close()
    assert found.domains == ()
    assert "till" in said[0]
    assert ("till_a" in tables) is (fault == "newer"), "all of a step, or nothing"
    assert behind == (["till"] if fault == "newer" else [])


def test_tables_of_ours_that_cannot_be_made_end_the_call(monkeypatch, home) -> None:
    config.save_profile(config.Profile("shop", "ww0123456789abcdef"))
    own = ModuleType("own_schema")
    exec(SCHEMA + "MIGRATIONS = (made('own', 'm1', 'SELECT nothing;'),)", own.__dict__)
    monkeypatch.setitem(sys.modules, "own_schema", own)
    own.DOMAIN = Domain(name="own", title="x", tables="own_schema")
    made = Registry([("own", "own_schema:DOMAIN", "storeops", "1")])
    for room in (app_room, domain, domains):
        monkeypatch.setattr(room, "registry", lambda: made)
    app = App.open()
    with pytest.raises(StoreOpsError):
        app.data  # noqa: B018
    app.close()
    assert [each.name for each in made.domains] == ["own"]


def test_a_scope_that_fails_is_one_failed_scope(install) -> None:
    found = install(
        till="from storeops.sync.scopes import SyncScope\n"
        "SCOPE = SyncScope('till', 'user/get', 1, 'acme_till:read')\n"
        "def read(session): raise KeyError('till')\n"
        "DOMAIN = Domain(name='till', title='x', scopes={'till': 'acme_till:SCOPE'})"
    )

    class Session:
        db = type("Db", (), {"atomic": staticmethod(nullcontext)})

        def __init__(self) -> None:
            self.failures: list[tuple[str, str]] = []

        def fail(self, subject: str, error: Exception) -> None:
            self.failures.append((subject, str(error)))

    session = Session()
    assert sync_run._outcome(session, "till") == "failed"
    ((subject, why),) = session.failures
    assert subject == "till"
    assert "till" in why
    assert len(found.domains) == 1, "it is asked again at the next sync"


def test_an_error_is_named_after_the_package_in_whose_code_it_was_raised(install) -> None:
    found = install(
        till="def fails(): return {}['till']\n"
        "DOMAIN = Domain(name='till', title='x', today='acme_till:fails',"
        " nouns=(Noun(name='till', module='acme_gone', help='x'),))",
        good="DOMAIN = Domain(name='good', title='x')",
    )
    noun: Noun = found.domains[1].nouns[0]

    def whose(call: Callable[[], object]) -> str:
        try:
            call()
        except Exception as error:
            each: Found | None = found.at_fault(error)
            return each.package if each else ""
        raise AssertionError

    assert whose(load("acme_till:fails")) == "acme-till"
    assert whose(lambda: load(f"{noun.module}:app")) == "acme-till"
    assert whose(lambda: load("acme_till:nothing")) == "acme-till"
    assert whose(lambda: {}["ours"]) == ""


def test_a_column_that_cannot_show_a_value_costs_that_cell(install) -> None:
    install(
        till="from storeops.reading.columns import CustomerColumn\n"
        "COLUMN = CustomerColumn(title='x', values=lambda db, keys: {}, show=lambda v: 1 / v)\n"
        "DOMAIN = Domain(name='till', title='x', columns={'till': 'acme_till:COLUMN'})"
    )
    (_whose, column) = columns.columns()["till"]
    assert column.show(2) == 0.5
    assert column.show(0) == "?"
