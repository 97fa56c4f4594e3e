"""Evidence is never overwritten: what was cut is named before and after an ordinary act."""

import json
import re
import sqlite3
from contextlib import closing

import pytest

from storeops.app import App
from storeops.sandbox import local
from tests.chaos import cuts

NAMES = list(cuts.CUTS)
ACTS = list(cuts.ACTS)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with local.start(stores=2, staff=6, follows=60) as sandbox, pytest.MonkeyPatch.context() as env:
        env.setenv("STOREOPS_LANG", "en")
        env.setenv("STOREOPS_HOME", "")
        yield cuts.make_scene(sandbox, tmp_path_factory.mktemp("evidence"))


def test_work_that_nobody_cut_is_whole(scene, tmp_path):
    with scene.copy(tmp_path / "home"):
        for name in ACTS:
            assert cuts.act(name) == ""
            assert cuts.said(cuts.prove()) == ""


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_is_named_before_and_after_an_ordinary_act(scene, tmp_path, name):
    cut, sentence = cuts.CUTS[name]
    with scene.copy(tmp_path / "home") as copy:
        cut(copy)
        assert re.search(sentence, cuts.said(cuts.prove())), "before"
        act = ACTS[NAMES.index(name) % len(ACTS)]
        cuts.act(act)
        assert re.search(sentence, cuts.said(cuts.prove())), f"after {act}"
        cuts.act("job run")
        cuts.act("plan apply")
        assert re.search(sentence, cuts.said(cuts.prove())), "for ever"


@pytest.mark.parametrize(
    "name",
    ["edited", "answer changed", "errcode changed", "key removed", "key of nothing",
     "done job called failed", "done job queued again", "jobs deleted", "rows of a job deleted"],
)  # fmt: skip
def test_an_erasure_does_not_cover_up(scene, tmp_path, name):
    cut, sentence = cuts.CUTS[name]
    with scene.copy(tmp_path / "home") as copy:
        cut(copy)
        for _person in range(3):
            assert cuts.act("audit erase") == ""
        assert re.search(sentence, cuts.said(cuts.prove()))


ODD = [
    None, 0, -1, 2**62, 1.5, float("inf"), "", "x", "\0", "{", "[]", "[" * 5000, "{" * 5000,
    '{"lines":[{}],"hash":5,"jobs":[5],"reason":[],"losses":[5],"head":5,"last":"x"}',
    "9" * 5000, b"", b"\xff\xfe", b"\0" * 32, "half \\ud800", "中文",
]  # fmt: skip
TABLES = {
    "journal": ("at", "kind", "who", "machine", "plan", "row", "subject", "payload", "salt",
                "digest", "hash"),
    "plan": ("name", "kind", "status", "title", "params", "problems", "profile", "rows", "ready",
             "hash", "undo_of", "created_at", "expires_at", "reason"),
    "plan_row": ("subject", "userid", "before", "after", "extra", "code", "digest", "status",
                 "errcode"),
    "job": ("plan_id", "status", "size"),
    "ledger_meta": ("value",),
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_verify_ends_in_words_whatever_stands_in_the_tables(scene, tmp_path, table):
    with scene.copy(tmp_path / "home") as copy:
        file = copy.folder / "data.db"
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        whole = file.read_bytes()
        for number, column in enumerate(TABLES[table]):
            # each column meets some of the values, each value some of the columns
            for value in ODD[number % 7 :: 7]:
                for end in ("-wal", "-shm"):
                    file.with_name(file.name + end).unlink(missing_ok=True)
                file.write_bytes(whole)
                with closing(sqlite3.connect(file)) as connection, connection:
                    try:
                        connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
                    except sqlite3.IntegrityError:
                        continue
                proof = cuts.prove()
                assert isinstance(proof, str | cuts.Proof), (column, value)
                assert json.dumps([each.as_dict() for each in getattr(proof, "findings", [])])


@pytest.mark.parametrize("table", ["journal", "plan", "plan_row", "job", "job_row", "ledger_meta"])
def test_a_missing_table_is_named(scene, tmp_path, table):
    with scene.copy(tmp_path / "home") as copy:
        with copy.tamper() as connection:
            connection.execute(f"DROP TABLE {table}")
        assert table in cuts.said(cuts.prove())


def test_invalid_text_in_a_line_is_a_changed_line(scene, tmp_path):
    with scene.copy(tmp_path / "home") as copy:
        with copy.tamper() as connection:
            connection.execute("UPDATE journal SET who = CAST(x'ff41' AS TEXT) WHERE seq = 5")
        assert "Line 5 was changed" in cuts.said(cuts.prove())


@pytest.mark.parametrize("name", ["journal.key", "journal.seal"])
def test_a_folder_in_the_place_of_key_or_seal(scene, tmp_path, name):
    with scene.copy(tmp_path / "home") as copy:
        (copy.folder / name).unlink()
        (copy.folder / name).mkdir()
        assert re.search(r"missing or damaged|altered", cuts.said(cuts.prove()))
        assert cuts.act("job run") == ""
        assert re.search(r"missing or damaged|altered", cuts.said(cuts.prove()))
        assert (copy.folder / f"{name}.old-1").is_dir(), "moved aside, not deleted"


def test_lines_that_cannot_be_read_are_listed_all_the_same(scene, tmp_path):
    from storeops.changes.journal_lines import lines

    with scene.copy(tmp_path / "home") as copy:
        with copy.tamper() as connection:
            connection.execute("UPDATE journal SET payload = ?, salt = 'x', hash = 'y'", ("[",))
        with closing(App.open(cuts.NAME)) as app:
            assert all(each.payload == {} for each in lines(app.data, limit=None))
