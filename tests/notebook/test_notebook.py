"""Marks, views and shops through their doors; marks against plain sets."""

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storeops.database.database import open_database
from storeops.errors import ConflictError, NotFoundError, UsageError
from storeops.notebook import marks, notes, schema, stores, views
from storeops.notebook.stores import Shop


@pytest.fixture
def db(tmp_path):
    made = open_database(tmp_path / "data.db", schema.MIGRATIONS)
    yield made
    made.close()


KEYS = st.lists(st.integers(1, 30), max_size=12)
STEPS = st.lists(st.tuples(st.sampled_from(["add", "remove", "invert", "clear"]), KEYS), max_size=8)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_a_mark_is_a_set(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("marks") / "data.db"
    db = open_database(path, schema.MIGRATIONS)
    truth = None
    for at, (step, keys) in enumerate(steps):
        before = set(truth or ())
        if step == "add":
            assert marks.add_ids(db, "m", keys, at) == len(set(keys) - before)
            truth = before | set(keys)
        elif step == "invert":
            marks.invert(db, "m", keys, at)
            truth = before ^ set(keys)
        elif truth is None:
            with pytest.raises(NotFoundError):
                marks.remove_ids(db, "m", keys, at) if step == "remove" else marks.clear(db, "m")
        elif step == "remove":
            assert marks.remove_ids(db, "m", keys, at) == len(set(keys) & before)
            truth = before - set(keys)
        else:
            assert marks.clear(db, "m") == len(before)
            truth = None
        db.close()  # everything survives a restart
        db = open_database(path, schema.MIGRATIONS)
        assert marks.count(db, "m") == len(truth or ())
        if truth is None:
            assert marks.list_marks(db) == []
        else:
            assert list(marks.ids_of(db, "M")) == sorted(truth)
    db.close()


def test_large_marks_are_written_in_slices_that_let_others_in(db):
    marks.add_ids(db, "big", range(120_000), 1)
    assert marks.count(db, "big") == 120_000
    assert marks.remove_ids(db, "big", range(60_000), 2) == 60_000
    assert marks.clear(db, "big") == 60_000
    assert db.execute("SELECT count(*) FROM mark_item").fetchone() == (0,)


def test_two_threads_mark_at_once(db):
    def work(start):
        marks.add_ids(db, "both", range(start, start + 5_000), 1)
        db.close_thread()

    threads = [threading.Thread(target=work, args=(at,)) for at in (0, 2_500)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert marks.count(db, "both") == 7_500


@pytest.mark.parametrize("name", ["", "  ", "@a", "#a", "!a", "a" * 61, "a\nb", "a\x1bb", '"a'])
def test_names_that_the_language_could_not_say_are_refused(db, name):
    with pytest.raises(UsageError):
        marks.add_ids(db, name, [1], 1)
    with pytest.raises(UsageError):
        views.save_view(db, name, "", now=1)


def test_views_keep_order_and_columns(db):
    views.save_view(db, "b", "x", sort="name", columns=["name", "status"], now=1)
    views.save_view(db, "a", "y", now=2)
    assert [each.name for each in views.list_views(db)] == ["a", "b"]
    assert views.get_view(db, "B").columns == ("name", "status")
    with pytest.raises(ConflictError):
        views.rename_view(db, "a", "B", 3)
    replaced = views.save_view(db, "A", "z", now=4, replace=True)
    assert (replaced.created_at, replaced.updated_at) == (2, 4)
    with pytest.raises(NotFoundError) as error:
        views.delete_view(db, "aa")
    assert "A" in error.value.hint


def test_shops_are_written_all_or_none(db):
    assert stores.save_shops(db, [Shop(1, "S1"), Shop(2, "S2")], 1) == 2
    assert stores.save_shops(db, [Shop(1, "S1")], 2) == 0
    with pytest.raises(ConflictError):
        stores.save_shops(db, [Shop(3, "S3"), Shop(4, "s1")], 3)
    assert [each.code for each in stores.list_shops(db)] == ["S1", "S2"]
    assert stores.save_shops(db, [Shop(5), Shop(6)], 4) == 2  # many may lack a code
    assert stores.forget_shop(db, 5)
    assert not stores.forget_shop(db, 5)


def test_notes_are_checked_and_ordered(db):
    first = notes.add_note(db, "wm1", " one ", "li", 1)
    second = notes.add_note(db, "wm1", "two", "", 2)
    assert [each.text for each in notes.notes_of(db, "wm1")] == ["two", "one"]
    notes.delete_note(db, first.id)
    assert notes.notes_of(db, "wm1") == [second]
    for text in ("", " \n", "x" * 2_001):
        with pytest.raises(UsageError):
            notes.add_note(db, "wm1", text, "", 3)
    with pytest.raises(NotFoundError):
        notes.delete_note(db, first.id)
