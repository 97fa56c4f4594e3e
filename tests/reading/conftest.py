"""A profile whose mirror holds the random chain of tests/query, and the command line over it."""

import contextlib
import importlib.util
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def chain_module():
    """tests/query/conftest.py, whatever name pytest gave it."""
    name = "storeops_tests_chain"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE.parent / "query" / "conftest.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def build_home(folder, *, customers, seed, staff=12, stores=5):
    """A STOREOPS_HOME with profile `chain`; returns the rows in Python."""
    from storeops import config, paths
    from storeops.app import DATA_ROOMS, migrations
    from storeops.notebook import marks
    from storeops.notebook.stores import Shop, save_shops

    module = chain_module()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOREOPS_HOME", str(folder))
        config.save_profile(
            config.Profile("chain", "ww0", agent_id=1, base_url="http://127.0.0.1:9")
        )
        path = paths.data_db("chain")
        path.parent.mkdir(parents=True, exist_ok=True)
        chain = module.make_chain(
            path, customers=customers, seed=seed, staff=staff, stores=stores,
            migrations=migrations(DATA_ROOMS), marks=False,
        )  # fmt: skip
        keys = [person.id for person in chain.people.values() if person.marks]
        marks.add_ids(chain.db, "picked", keys, module.NOW)
        save_shops(
            chain.db,
            [
                Shop(10, "S010", "", "东区"),
                Shop(11, "S011", "旗舰店", "东区"),
                Shop(12, "S012", "", "南区"),
            ],
            module.NOW,
        )
        with chain.db.atomic():
            chain.db.execute(
                "INSERT INTO sync_run (id, started_at, finished_at, heartbeat_at, mode, scopes,"
                " outcome) VALUES (1, ?, ?, ?, 'normal', '[]', 'complete')",
                (module.NOW - 60, module.NOW - 50, module.NOW - 50),
            )
            chain.db.execute(
                "INSERT INTO sync_scope (run_id, scope, outcome, started_at, finished_at)"
                " VALUES (1, 'follows', 'complete', ?, ?)",
                (module.NOW - 60, module.NOW - 50),
            )
    return chain


@pytest.fixture(scope="session")
def make_home():
    """`build_home`, for tests that want other rows."""
    return build_home


@pytest.fixture(scope="session")
def chain_home(tmp_path_factory):
    """(folder, chain): read it, do not write to it."""
    folder = tmp_path_factory.mktemp("reading") / "home"
    chain = build_home(folder, customers=300, seed=21)
    yield folder, chain
    chain.db.close()


@pytest.fixture
def frozen(monkeypatch):
    """WeCom's time stands still at the moment the random rows count from."""
    now = chain_module().NOW
    monkeypatch.setattr("storeops.clock.SystemClock.now", lambda self: float(now))
    return now


@pytest.fixture
def ask(chain_home, frozen, monkeypatch, capsys):
    """Run a command line over the chain: `ask("customer", "list").json`."""
    return _asker(chain_home[0], monkeypatch, capsys)


@pytest.fixture
def own(chain_home, frozen, monkeypatch, capsys, tmp_path):
    """The same over a copy that the test may change."""
    home, db = chain_home[0], chain_home[1].db
    folder = tmp_path / "home"
    # Copied through SQLite: closing a database file that is open elsewhere in this process would
    # drop its locks, and another process would take its log away.
    shutil.copytree(home, folder, ignore=shutil.ignore_patterns(f"{db.path.name}*"))
    with contextlib.closing(sqlite3.connect(folder / db.path.relative_to(home))) as copy:
        db.connection.backup(copy)
        copy.execute("PRAGMA journal_mode = WAL")
    return _asker(folder, monkeypatch, capsys)


def _asker(folder, monkeypatch, capsys):
    from commands.main import run

    answer = _answer_class()
    monkeypatch.setenv("STOREOPS_HOME", str(folder))
    monkeypatch.setenv("STOREOPS_PROFILE", "chain")

    def call(*words):
        capsys.readouterr()
        code = run(words)
        captured = capsys.readouterr()
        return answer(code, captured.out, captured.err)

    return call


def _answer_class():
    name = "storeops_tests_root"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE.parent / "conftest.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name].Answer


@pytest.fixture
def slow(chain_home):
    """The slow reading of the filter language over the same rows."""
    return chain_module().Slow(chain_home[1])
