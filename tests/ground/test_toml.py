"""TOML that people write: one reader for settings and rules, which names file, place and remedy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from storeops.errors import ConfigError, NotFoundError, StoreOpsError, UsageError
from storeops.toml import values
from storeops.toml.files import RuleTable, document, read_rules, understood

FIELDS: dict[str, values.Reader] = {
    "name": values.name,
    "kind": values.one_of(("daily", "weekly")),
    "days": values.whole(1, 7),
    "least": values.whole(0),
    "on": values.flag,
    "first": values.day,
    "after": values.duration,
    "shops": values.texts,
    "owner": values.text_or_texts,
    "steps": values.wholes,
    "part": lambda where, value: values.table(where, value, {"share": values.whole(0, 100)}),
}


@dataclass(frozen=True)
class Visit:
    name: str
    days: int


def visit(table: RuleTable) -> Visit:
    found = table.read(FIELDS, needed=("days",))
    return Visit(found.get("name", table.name), found["days"])


def read(*paths: Path) -> list[Visit]:
    return read_rules(paths, visit, example="rules/visit/weekly.toml", once="name")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "visits.toml"


def test_one_rule_several_and_folders(file, tmp_path):
    file.write_text("days = 1")
    assert read(file) == [Visit("visits", 1)]
    for text in ("[rule]\ndays = 2", "[[rule]]\ndays = 2", "\ufeffdays = 2"):
        file.write_text(text, "utf-8")
        assert read(file) == [Visit("visits", 2)]
    file.write_text('[[rule]]\ndays = 1\n[[rule]]\nname = "b"\ndays = 2')
    (tmp_path / "a.toml").write_text("days = 3")
    (tmp_path / "a.txt").write_text("no rule")
    assert read(tmp_path) == [Visit("a", 3), Visit("visits 1", 1), Visit("b", 2)]


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("days = 1\nday = 2", "day is not understood; expected days.", "mean days"),
        ("days = 1\nzzz = 2", "zzz is not understood; expected name, kind,", "Correct"),
        ("on = true", "days is missing; expected a whole number from 1 to 7.", "Correct"),
        ("days = 8", "days is not understood; expected a whole number from 1 to 7.", "Correct"),
        ("days = true", "days is not understood", "Correct"),
        ("days = 1.0", "days is not understood", "Correct"),
        ("days = 1\nleast = -1", "expected a whole number, 0 or more", "Correct"),
        ("days = 1\non = 1", "on is not understood; expected true or false", "Correct"),
        ('days = 1\nkind = "weakly"', "kind is not understood; expected one of", "mean weekly"),
        ("days = 1\nkind = [1]", "kind is not understood", "Correct"),
        ("days = 1\nfirst = 2026-01-01T10:00:00", "expected a day like", "Correct"),
        ('days = 1\nfirst = "2026-02-30"', "expected a day like", "Correct"),
        ('days = 1\nafter = "soon"', "expected a duration like 24h", "Correct"),
        ('days = 1\nshops = "N1"', "shops is not understood; expected a list of texts", "Correct"),
        ('days = 1\nshops = ["N1", ""]', "expected a list of texts", "Correct"),
        ("days = 1\nowner = 3", "owner is not understood; expected text", "Correct"),
        ("days = 1\nsteps = []", "expected a list of whole numbers", "Correct"),
        ("days = 1\npart = { shar = 1 }", "part.shar is not understood; expected share", "share"),
        ("days = 1\npart = 3", "part is not understood; expected a table", "Correct"),
        ('days = 1\nname = ""', "name is not understood; expected 1 to 60", "Correct"),
        ("[[rule]]\ndays = 1\n[[rule]]\ndays = 0", "rule 2, days is not understood", "Correct"),
        ('[[rule]]\nname = "A"\ndays = 1\n[[rule]]\nname = "a"\ndays = 1', "already", "Leave one"),
        ("days = 1\n[[rule]]\ndays = 1", "one rule, or several", ""),
        ("rule = [1]", "one rule, or several", ""),
        ("days =\n", "is not valid TOML: ", "Correct"),
        pytest.param(
            "days = 1\nx = " + "[" * 5_000 + "]" * 5_000, "nested too deep", "Correct", id="deep"
        ),
        pytest.param(
            "days = 1 #" + "x" * 1_000_000, "more than 1000000 bytes", "Correct", id="large"
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_file_place_and_remedy(file, text, said, hint):
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read(file)
    assert str(file) in caught.value.message
    assert said in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize("encoding", ["gbk", "utf-16"])
def test_other_encodings_are_named(file, encoding):
    file.write_text('name = "回访"\ndays = 1', encoding)
    with pytest.raises(UsageError, match=r"UTF-8|valid TOML"):
        read(file)


def test_files_that_are_not_there(file, tmp_path):
    with pytest.raises(NotFoundError) as caught:
        read(file)
    assert str(file) in caught.value.message
    with pytest.raises(NotFoundError) as caught:
        read(tmp_path)
    assert "rules/visit/weekly.toml" in caught.value.hint


@pytest.mark.parametrize("error", [ConfigError, UsageError])
def test_the_caller_says_which_error_it_is(file, error: type[StoreOpsError]):
    file.write_text("days")
    with pytest.raises(error):
        document(file, error)
    with pytest.raises(error, match="days is missing"), understood(file, error):
        values.table("", {}, FIELDS, needed=("days",))


def test_tables_by_name(file):
    tables = values.by_name(lambda where, name, value: (name, values.table(where, value, FIELDS)))
    assert tables("visits", {"a": {"days": 1}}) == {"a": ("a", {"days": 1})}
    for wrong, place in ((3, "visits"), ({"a": 3}, "visits.a"), ({"a": {"days": 9}}, "visits.a.d")):
        with pytest.raises(ConfigError, match=place), understood(file):
            tables("visits", wrong)
