"""Reports as people and programs get them, over a mirror that was written by hand."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from storeops import config, paths
from storeops.app import DATA_ROOMS, migrations
from storeops.database.database import Database, open_database
from storeops.domains.report.figures import MAIN, curve, figures
from storeops.mirror import facts
from storeops.mirror.facts import Batch, apply_facts
from storeops.notebook.stores import Shop, save_shops
from storeops.operations import reports
from storeops.wecom.contacts import Department, User
from storeops.wecom.customers import ExternalContact, FollowInfo, FollowRow
from tests.conftest import Answer

DAY = 86_400
MIDNIGHT = 1_767_225_600 - 8 * 3600  # 2026-01-01 in China
HOSTILE = '<img src=x onerror="1">'
FORMULA = '=HYPERLINK("http://x","y")'


class Mirror:
    """A mirror of two shops and three guides, read every night at two."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.runs = 0
        shops = [Department(each, name, "", (), 1, 0) for each, name in ((10, HOSTILE), (11, "B"))]
        people = [
            User(userid, name, department=(shop,), main_department=shop, status=1)
            for userid, name, shop in (("u0", FORMULA, 10), ("u1", "二", 10), ("u2", "三", 11))
        ]
        users = [each.userid for each in people]
        batch = Batch(departments=shops, staff=people, follow_users=users)
        apply_facts(db, "sync", batch, MIDNIGHT - DAY, "0")
        save_shops(db, [Shop(10, "S01")], MIDNIGHT)

    def read(self, at: int, outcome: str = "complete") -> None:
        self.runs += 1
        self.db.execute(
            "INSERT INTO sync_run (id, started_at, finished_at, heartbeat_at, mode, scopes,"
            " outcome) VALUES (?, ?, ?, ?, 'normal', '[]', ?)",
            (self.runs, at, at + 60, at + 60, outcome),
        )
        self.db.execute(
            "INSERT INTO sync_scope (run_id, scope, outcome, started_at, finished_at)"
            " VALUES (?, 'follows', ?, ?, ?)",
            (self.runs, outcome, at, at + 60),
        )

    def add(self, who: int, userid: str, at: int, source: str = "event", way: int = 1) -> None:
        relation = FollowInfo(userid, createtime=at, add_way=way)
        row = FollowRow(ExternalContact(name_of(who), "王", type=1), relation)
        apply_facts(self.db, source, Batch(follows=[row]), at, "1")

    def lose(self, who: int, userid: str, at: int, by: str) -> None:
        if by == "guide":
            facts.deleted_by_member(
                self.db, userid, name_of(who), at=at, source="event", ref="1", now=at + 9 * 3600
            )
        elif by == "customer":
            facts.deleted_by_customer(
                self.db, userid, name_of(who), at=at, source="event", ref="1", now=at + 9 * 3600
            )
        else:
            facts.follow_status_changed(
                self.db, userid, name_of(who), "lost", source="sync", ref="1", now=at
            )


def name_of(who: int) -> str:
    return f"wm{who:030d}"


@pytest.fixture
def mirror(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """Three nights of readings, and a first day with something of everything."""
    config.save_profile(config.Profile("t", "ww0", agent_id=1, base_url="http://127.0.0.1:9"))
    path = paths.data_db("t")
    path.parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(
        "storeops.clock.SystemClock.now", lambda _self: float(MIDNIGHT + 3 * DAY + 8 * 3600)
    )
    db = open_database(path, migrations(DATA_ROOMS))
    made = Mirror(db)
    for who in range(4):
        made.add(who, f"u{who % 3}", MIDNIGHT - 5 * DAY)
    made.read(MIDNIGHT - DAY + 7200)
    made.read(MIDNIGHT + 7200)
    made.add(10, "u0", MIDNIGHT + 10 * 3600)
    made.add(10, "u2", MIDNIGHT + 11 * 3600)
    made.add(11, "u2", MIDNIGHT + 12 * 3600, way=202)
    made.lose(0, "u0", MIDNIGHT + 20 * 3600, "guide")  # told by an event in the night
    made.lose(1, "u1", MIDNIGHT + 23 * 3600, "customer")
    facts.follow_tags_changed(
        db, "u2", name_of(2), add=["et1", "et2"], remove=[], source="job", ref="1",
        now=MIDNIGHT + 15 * 3600,
    )  # fmt: skip
    made.read(MIDNIGHT + DAY + 7200)
    made.lose(3, "u0", MIDNIGHT + 2 * DAY + 7230, "sync")
    made.read(MIDNIGHT + 2 * DAY + 7200)
    made.read(MIDNIGHT + 3 * DAY + 7200)
    yield made
    db.close()


Report = Callable[..., Answer]


@pytest.fixture
def report(mirror: Mirror, cli: Callable[..., Answer]) -> Report:
    return lambda *words: cli("report", *words)


def test_the_daily_report_has_its_shape_to_the_letter(report: Report) -> None:
    found = report("daily", "--on", "2026-01-01", "--json")
    assert found.code == 0, found.err
    assert list(found.json) == ["on", "complete", "totals", "stores", "notes"]
    assert found.json["on"] == "2026-01-01"
    assert (found.json["complete"], found.json["notes"]) == (True, [])
    assert found.json["totals"] == {
        "customers": 5, "new": 1, "lost": 2, "handed_over": 0, "waiting": 0, "refused": 0,
        "untagged": 4,
    }  # fmt: skip
    first, second = found.json["stores"]
    assert list(first) == ["store_code", "store", *MAIN]
    assert (first["store_code"], first["store"], first["new"], first["lost"]) == (
        "S01", HOSTILE, 1, 2,
    )  # fmt: skip
    # 10 is new in both shops and one person in all
    assert (second["store_code"], second["new"], second["lost"]) == ("", 1, 0)
    assert report("daily", "--on", "2026-01-01", "--json").json == found.json


def test_who_ended_a_relation_is_named(report: Report) -> None:
    totals = report("customers", "--on", "2026-01-01", "--json").json["totals"]
    assert (totals["lost_by_customer"], totals["lost_by_guide"], totals["lost_found"]) == (1, 1, 0)
    assert totals["tags_given"] == 2
    later = report("customers", "--on", "2026-01-02", "--json").json
    assert (later["totals"]["lost"], later["totals"]["lost_found"]) == (1, 1)
    assert [row["userid"] for row in later["lost"]] == ["u0"]
    month = report("store", "--since", "2026-01-01", "--until", "2026-01-03", "--json").json
    assert month["totals"]["lost"] == 3
    assert month["stores"][0]["lost_by_guide"] == 1


def test_a_loss_that_was_a_handover_is_none(mirror: Mirror, report: Report) -> None:
    facts.follow_transferred(
        mirror.db, "u0", "u2", name_of(3), createtime=MIDNIGHT + DAY, source="job", ref="1",
        now=MIDNIGHT + 3 * DAY + 3600,
    )  # fmt: skip
    assert report("daily", "--on", "2026-01-02", "--json").json["totals"]["lost"] == 0


def test_an_event_explains_what_a_reading_found(mirror: Mirror, report: Report) -> None:
    """Who it was and when is told late: one loss, on its own day."""
    mirror.lose(3, "u0", MIDNIGHT + DAY + 30_000, "guide")
    second, third = (
        report("customers", "--on", f"2026-01-0{day}", "--json").json["totals"] for day in (2, 3)
    )
    assert (second["lost"], second["lost_by_guide"], second["lost_found"]) == (1, 1, 0)
    assert third["lost"] == 0


def test_a_day_without_data_is_not_zero(mirror: Mirror, report: Report) -> None:
    before = report("daily", "--on", "2025-12-30", "--json").json
    assert before["complete"] is False
    assert before["totals"]["lost"] is None
    assert all(each["lost"] is None for each in before["stores"])
    assert "2025-12-31 02:00" in before["notes"][0]
    today = report("daily", "--on", "today")
    assert "2026-01-04 is not over yet." in today.out
    assert "not complete" in today.out
    mirror.db.execute("DELETE FROM sync_run WHERE id > 3")
    unread = report("daily", "--on", "2026-01-03")
    assert "WeCom was not read since 2026-01-03 ended." in unread.out
    assert "storeops sync run" in unread.err
    mirror.db.execute("DELETE FROM sync_run")
    nothing = report("daily", "--on", "2026-01-02", "--json").json
    assert set(nothing["totals"].values()) == {None}
    assert "–" in report("daily", "--on", "2026-01-02").out
    days = curve(mirror.db, reports.period(MIDNIGHT + DAY, on="2026-01-01"), MIDNIGHT + 3 * DAY)
    assert days == [("2026-01-01", None, None)]


class Page(HTMLParser):
    """Tags, attributes and texts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "rect", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "circle"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("name", ["daily", "store", "staff", "handover", "customers"])
def test_html_is_one_safe_file(report: Report, tmp_path: Path, name: str) -> None:
    path = tmp_path / "report.html"
    done = report(name, "--on", "2026-01-01", "--out", str(path), "--json", "--format", "json")
    assert done.code == 0
    done = report(name, "--on", "2026-01-01", "--out", str(path))
    assert done.code == 0, done.err
    text = path.read_text("utf-8")
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert not {"script", "img", "link", "iframe", "object", "a"} & set(page.tags)
    assert not [key for key, _value in page.attributes if key.startswith("on") or key == "src"]
    loaded = " ".join(str(value) for _key, value in page.attributes) + "".join(page.texts[:2])
    assert not re.search(r"https?:|url\(|@import|//", loaded)
    assert ("name", "viewport") in page.attributes
    assert path.stat().st_mode & 0o777 == 0o600
    if name in ("daily", "store", "staff"):
        assert any(HOSTILE in each for each in page.texts)
    if name == "daily":
        assert page.tags.count("figure") == 2


def test_the_workbook_is_read_by_another_library(report: Report, tmp_path: Path) -> None:
    import openpyxl

    path = tmp_path / "r.xlsx"
    assert report("staff", "--on", "2026-01-01", "--out", str(path)).code == 0
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Summary", "Guides"]
    heads, *rows = book["Guides"].iter_rows(values_only=True)
    assert heads[:3] == ("Guide", "Shop", "Customers")
    by_name = {row[0]: row for row in rows}
    assert by_name[FORMULA][1] == HOSTILE  # texts, no formulas
    assert all(cell.data_type != "f" for line in book["Guides"] for cell in line)
    want = report("staff", "--on", "2026-01-01", "--json").json["staff"]
    assert [row[2] for row in rows] == [each["customers"] for each in want]
    assert by_name["三"][heads.index("Chats")] is None  # not read, and not zero


def test_csv_and_markdown(report: Report, tmp_path: Path) -> None:
    found = report("store", "--on", "2026-01-01", "--csv")
    rows = list(csv.DictReader(io.StringIO(found.out)))
    assert [row["new"] for row in rows] == ["1", "1"]
    assert report("store", "--on", "2026-01-01", "--format", "csv").out == found.out
    names = list(csv.DictReader(io.StringIO(report("staff", "--csv").out)))
    assert FORMULA not in {row["name"] for row in names}  # guarded
    text = report("daily", "--on", "2026-01-01", "--format", "md").out
    assert text.startswith("# Daily report 2026-01-01\n")
    assert "\\<img src=x" in text
    assert "| S01 |" in text
    path = tmp_path / "r.txt"
    assert report("daily", "--out", str(path), "--format", "table").code == 0
    assert path.read_text("utf-8").startswith("Daily report 2026-01-03")


def test_a_shop_without_a_name_and_nobodys_name_have_words(
    mirror: Mirror, report: Report, tmp_path: Path
) -> None:
    import openpyxl

    with mirror.db.atomic() as connection:
        connection.execute("UPDATE department SET name = ''")
        connection.execute("UPDATE staff SET name = '' WHERE userid = 'u0'")
    path = tmp_path / "r.xlsx"
    assert report("store", "--on", "2026-01-01", "--out", str(path)).code == 0
    shops = openpyxl.load_workbook(path)["Shops"]
    assert "(no store)" in [cell.value for cell in shops["B"]]
    for form in ("table", "md", "html"):
        assert "no store" in report("daily", "--on", "2026-01-01", "--format", form).out
    assert "（无门店）" in report("staff", "--on", "2026-01-01", "--lang", "zh_CN").out
    assert "u0" in report("staff", "--on", "2026-01-01", "--lang", "en").out
    assert report("daily", "--on", "2026-01-01", "--json").json["stores"][1]["store"] == ""


def test_what_is_asked_wrongly_is_said(report: Report, tmp_path: Path) -> None:
    for words in (
        ("daily", "--on", "tomorrow"), ("daily", "--on", "2026-01-01", "--since", "2026-01-01"),
        ("daily", "--since", "2026-01-02", "--until", "2026-01-01"), ("daily", "--until", "today"),
        ("daily", "--format", "pdf"), ("daily", "--format", "csv", "--json"),
        ("daily", "--format", "xlsx"), ("daily", "--out", str(tmp_path / "x.pdf")),
        ("daily", "--since", "2020-01-01"), ("daily", "--ndjson"),
    ):  # fmt: skip
        found = report(*words)
        assert found.code == 2, words
        assert found.err.strip(), words
    assert report("weekly").code == 2
    assert [each["name"] for each in report("list", "--json").json["items"]][:2] == [
        "daily",
        "store",
    ]


def test_the_days_are_chinas_or_the_settings(mirror: Mirror) -> None:
    now = float(MIDNIGHT + 3 * DAY + 8 * 3600)
    assert reports.period(now).since == "2026-01-03"
    week = reports.period(now, on="last-week")
    assert (week.since, week.until, week.days) == ("2025-12-22", "2025-12-28", 7)
    assert reports.period(now, on="2026-01").until == "2026-01-04"  # no day that has not begun
    assert reports.period(now, on="2026-01-01").back(7).since == "2025-12-25"
    later = figures(mirror.db, reports.period(now, since="2026-01-01"), now)
    assert later.period.until == "2026-01-03"
