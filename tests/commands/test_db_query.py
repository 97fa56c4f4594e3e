"""`storeops db query`: reads whatever there is, changes nothing, and never tells the token."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from storeops import paths
from storeops.app import RUN_ROOMS, migrations
from storeops.database.database import open_database


@pytest.fixture
def home(cli: Any, shop: Any) -> Any:
    """A profile with databases; the token of run.db is `geheim-1234`."""
    assert cli("db", "query", "SELECT 1").code == 0
    run = open_database(paths.run_db("shop"), migrations(RUN_ROOMS))
    run.execute("INSERT INTO token (corp_id, agent_id, value) VALUES ('ww', '1', 'geheim-1234')")
    run.close()
    return cli


def test_rows_come_as_every_list_gives_them(home: Any) -> None:
    sql = "SELECT 1 AS a, 'x' AS a, x'00ff' AS b, NULL AS c UNION ALL SELECT 2, 'y', x'01', 0.5"
    found = home("db", "query", sql, "--limit", "1", "--json").json
    assert found["items"] == [{"a": 1, "a_2": "x", "b": "00ff", "c": None}]
    assert (found["has_more"], found["next"], found["complete"]) == (True, "1", True)
    more = home("db", "query", sql, "--after", "1", "--json").json
    assert more["items"] == [{"a": 2, "a_2": "y", "b": "01", "c": 0.5}]
    assert home("db", "query", sql, "--csv").out.splitlines()[:2] == ["a,a_2,b,c", "1,x,00ff,"]
    assert home("db", "query", sql, "--fields", "a_2", "--ndjson").out.splitlines() == [
        '{"a_2": "x"}', '{"a_2": "y"}',
    ]  # fmt: skip
    evil = home("db", "query", "SELECT '=1+1' AS f, char(27) || '[31mred' AS e", "--csv").out
    assert "\x1b" not in evil
    assert home("--lang", "zh_CN", "db", "query", "SELECT 1 WHERE 0").err.strip() == "没有行。"


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM customer", "UPDATE customer SET name = ''", "DROP TABLE customer",
        "CREATE TABLE x (a)", "CREATE TEMP TABLE x (a)", "INSERT INTO view VALUES (1)",
        "WITH x AS (SELECT 1) DELETE FROM customer", "ATTACH 'x.db' AS x", "VACUUM INTO 'x.db'",
        "PRAGMA journal_mode = DELETE", "PRAGMA user_version = 5", "BEGIN IMMEDIATE", "REINDEX",
        "SELECT load_extension('x')",
    ],
)  # fmt: skip
def test_nothing_is_changed(home: Any, sql: str, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    file = paths.data_db("shop")
    before = hashlib.sha256(file.read_bytes()).digest()
    refused = home("db", "query", sql)
    assert refused.code in (2, 11), refused.err
    assert hashlib.sha256(file.read_bytes()).digest() == before
    assert not list(tmp_path.glob("x.db*"))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT value FROM token", "SELECT * FROM Token AS t", "SELECT count(*) FROM token",
        "SELECT (SELECT max(value) FROM token)", 'SELECT "value" FROM main."TOKEN"',
        "SELECT data FROM sqlite_dbpage",
    ],
)  # fmt: skip
def test_the_token_is_not_told(home: Any, sql: str) -> None:
    refused = home("db", "query", "--database", "run", sql)
    assert refused.code in (2, 11)  # 2 where SQLite was made without that table
    assert "geheim" not in refused.out + refused.err
    assert home("db", "query", "--database", "run", "PRAGMA table_info(token)").code == 0


def test_what_takes_too_long_is_ended(home: Any) -> None:
    endless = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    )
    ended = home("db", "query", endless, "--timeout", "1s")
    assert (ended.code, "1 s" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("SELEC 1", "syntax error"), ("SELECT x FROM nothing", "nothing"), ("", "SELECT"),
        ("SELECT 1; SELECT 2", "one statement"),
    ],
)  # fmt: skip
def test_what_sqlite_does_not_understand(home: Any, sql: str, word: str) -> None:
    refused = home("db", "query", sql)
    assert refused.code == 2
    assert word in refused.err
    assert "hint" in refused.err
