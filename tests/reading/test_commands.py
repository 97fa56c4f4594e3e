"""The reading commands: envelopes, cursors, errors, exports, notebook, and names that hurt."""

import csv
import io
import json
from pathlib import Path

import pytest

from storeops.domain import registry

NICKNAMES = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "nicknames.json").read_text(encoding="utf-8")
)
CUSTOMER = [
    "external_userid", "name", "type", "gender", "unionid", "status", "follows",
]  # fmt: skip
FOLLOW = [
    "userid", "staff_name", "store", "remark", "description", "remark_mobiles", "createtime",
    "add_way", "state", "status", "deleted_by_customer_at", "tags",
]  # fmt: skip
BAD = ["\x1b", "\x9b", "\x07", "\u202e", "\u2066", "\x00", "\r"]


def ids(answer):
    return [each["external_userid"] for each in answer.json["items"]]


def test_a_list_has_the_envelope_of_every_list(ask, chain_home):
    found = ask("customer", "list", "--limit", "7", "--json")
    assert found.code == 0
    assert list(found.json) == ["items", "next", "has_more", "complete", "as_of"]
    assert (len(ids(found)), found.json["has_more"], found.json["complete"]) == (7, True, True)
    assert found.json["as_of"].endswith("Z")
    row = found.json["items"][0]
    assert list(row) == [*CUSTOMER, *registry().named("columns")]
    assert all(list(each) == FOLLOW for each in row["follows"])
    tagged = ask("customer", "list", "--where", "has:tag", "--limit", "1", "--json").json["items"][
        0
    ]
    tag = next(tag for follow in tagged["follows"] for tag in follow["tags"])
    assert list(tag) == ["tag_id", "group_name", "name"]


def test_following_the_cursor_gives_everybody_once(ask, chain_home):
    seen, after = [], []
    while True:
        page = ask("customer", "list", "--limit", "64", "--json", *after)
        seen += ids(page)
        if not page.json["has_more"]:
            assert page.json["next"] is None
            break
        after = ["--after", page.json["next"]]
    assert len(seen) == len(set(seen)) == len(chain_home[1].people)
    everybody = ask("customer", "list", "--all", "--ndjson")
    assert [json.loads(line)["external_userid"] for line in everybody.out.splitlines()] == seen


def test_orders(ask, slow):
    from storeops.reading.filter import parse

    for sort in ("newest", "oldest", "name"):
        found = ids(ask("customer", "list", "--sort", sort, "--all", "--json"))
        people = slow.chain.people
        assert found == [people[k].external_userid for k in slow.order(parse(""), sort)]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["list", "--where", "sotre:1"], 2, "store:"),
        (["list", "--where", "status:activ"], 2, "active"),
        (["list", "--where", "(王"], 2, "never closed"),
        (["list", "--where", "@guide.99"], 2, "guide.9"),
        (["list", "--tag", "金牌"], 2, "金卡"),
        (["list", "--store", "S01"], 2, "S010"),
        (["list", "--since", "yesteday"], 2, "yesterday"),
        (["list", "--sort", "size"], 2, "newest"),
        (["list", "--after", "xyz"], 2, "--after"),
        (["list", "--view", "nope"], 5, "view save"),
        (["show", "nobody-at-all"], 5, "customer list"),
        (["show", "王"], 2, "external_userid"),
        (["list", "--fields", "nme"], 2, "name"),
        (["export", "out.doc"], 2, ".csv"),
        (["export", "-", "--format", "xlsx"], 2, "file"),
        (["export", "-", "--fields", "nme"], 2, "external_userid"),
        (["export", "/nowhere/at/all.csv"], 3, "folder"),
        (["note", "wmDemo002100000001"], 2, "text"),
    ],
)
def test_errors_say_what_and_what_next(ask, words, code, says):
    found = ask("customer", *words)
    assert found.code == code, found.err
    assert found.out == ""
    assert says in found.err
    machine = ask("customer", *words, "--json")
    assert machine.code == code
    assert machine.out == ""
    assert set(machine.error) >= {"category", "message", "hint", "next_steps", "retryable"}


def test_a_filter_error_says_where(ask):
    found = ask("customer", "list", "--where", "王 stat:x", "--json")
    assert (found.error["position"], found.error["category"]) == (2, "filter")
    assert "state:" in found.error["nearest"]


def test_explain_reads_nothing_and_names_the_driver(ask):
    found = ask("customer", "list", "--where", "#金卡 @guide.1", "--explain", "--json").json
    assert found["filter"] == "#金卡 @guide.1"
    assert {each["condition"] for each in found["alternatives"][0]["conditions"]} == {
        "#金卡",
        "@guide.1",
    }
    assert "read by:" in ask("customer", "list", "--where", "#金卡", "--explain").out


def test_phones_are_masked_unless_revealed(ask, chain_home):
    person = next(
        each for each in chain_home[1].people.values() if any(f.mobiles for f in each.follows)
    )
    phone = next(number for f in person.follows for number in f.mobiles)
    for words in (
        ["customer", "show", person.external_userid, "--json"],
        ["customer", "show", person.external_userid],
        ["customer", "list", "--where", f"id:{person.external_userid}", "--json"],
        ["customer", "list", "--where", f"id:{person.external_userid}", "--csv"],
        ["customer", "export", "-", "--where", f"id:{person.external_userid}"],
        [
            "customer",
            "export",
            "-",
            "--format",
            "ndjson",
            "--where",
            f"id:{person.external_userid}",
        ],
    ):
        hidden, shown = ask(*words), ask(*words, "--reveal")
        assert phone not in hidden.out
        assert f"{phone[:3]}****{phone[-4:]}" in hidden.out
        assert phone in shown.out


def flat_rows(ask, *words):
    out = ask("customer", "export", "-", "--reveal", *words).out
    return list(csv.DictReader(io.StringIO(out)))


def test_every_export_holds_what_the_list_holds(ask, chain_home, tmp_path):
    import openpyxl
    import pyarrow.parquet

    people = {each.external_userid: each for each in chain_home[1].people.values()}
    rows = flat_rows(ask)
    assert [row["external_userid"] for row in rows] == ids(
        ask("customer", "list", "--all", "--json")
    )
    for row in rows:
        person = people[row["external_userid"]]
        follows = sorted(person.follows, key=lambda each: -each.createtime)
        assert row["createtime"] == str(person.createtime)
        assert sorted(row["userid"].split("; ")) == sorted(f"guide.{f.staff}" for f in follows)
        phones = {number for f in follows for number in f.mobiles}
        assert {each for each in row["remark_mobiles"].rstrip("\t").split("; ") if each} == phones
    plain = {row["external_userid"]: row for row in rows}

    for name in ("a.xlsx", "a.parquet", "a.ndjson", "a.csv"):
        path = tmp_path / name
        done = ask("customer", "export", str(path), "--reveal", "--raw", "--json")
        assert done.code == 0, done.err
        assert done.json["rows"] == len(people)
        assert path.stat().st_mode & 0o777 == 0o600
        if name.endswith("xlsx"):
            book = openpyxl.load_workbook(path, read_only=True)
            table = list(book.active.iter_rows(values_only=True))
            found = [dict(zip(table[0], row, strict=True)) for row in table[1:]]
        elif name.endswith("parquet"):
            found = pyarrow.parquet.read_table(path).to_pylist()
        elif name.endswith("ndjson"):
            found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        else:
            found = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        assert [each["external_userid"] for each in found] == list(plain)
        for each in found:
            person = people[each["external_userid"]]
            if name.endswith(("parquet", "ndjson")):
                assert each["name"] == person.name  # nothing but the value itself
            row = plain[each["external_userid"]]
            if name.endswith(("xlsx", "parquet")):
                assert (each["tags"] or "") == row["tags"].lstrip("'").rstrip("\t")
                assert each["createtime"] == person.createtime
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".part")] == []


def test_a_failed_export_leaves_the_old_file(ask, tmp_path, monkeypatch):
    from storeops.domains.export import export

    path = tmp_path / "out.csv"
    path.write_text("old")

    def fail(*_words, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "_write_csv", fail)
    found = ask("customer", "export", str(path), "--force")
    assert found.code == 3
    assert "the disk is full" in found.err
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".part")] == []


def test_parquet_without_its_library_says_what_to_install(ask, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    found = ask("customer", "export", str(tmp_path / "a.parquet"))
    assert found.code == 3
    assert "storeops[parquet]" in found.err


def test_list_csv_is_flat_and_opens_in_a_spreadsheet(ask):
    found = ask("customer", "list", "--csv", "--bom", "-n", "5").out
    assert found.startswith("\ufeffexternal_userid,")
    rows = list(csv.reader(io.StringIO(found.removeprefix("\ufeff"))))
    assert len({len(row) for row in rows}) == 1
    assert not any(cell.startswith(("=", "+", "@", "[", "{")) for row in rows for cell in row)


@pytest.fixture
def hurting(own, tmp_path):
    """The chain with the nicknames that hurt, each on one customer as name and remark."""
    from storeops import paths
    from storeops.app import DATA_ROOMS, migrations
    from storeops.database.database import open_database
    from storeops.mirror import search

    db = open_database(paths.data_db("chain"), migrations(DATA_ROOMS))
    with db.atomic():
        for at, each in enumerate(NICKNAMES):
            key, name = 5000 + at, each["name"]
            db.execute(
                "INSERT INTO customer (id, external_userid, name, createtime, first_seen_at,"
                " updated_at) VALUES (?, ?, ?, ?, 0, 0)",
                (key, f"wmNasty{at:06d}", name, 1_790_000_000 + at),
            )
            db.execute(
                "INSERT INTO follow (staff_id, customer_id, store_id, createtime, remark, state,"
                " first_seen_at, updated_at) VALUES (1, ?, 10, ?, ?, ?, 0, 0)",
                (key, 1_790_000_000 + at, name, name),
            )
            search.index_customers(db.connection, [(key, None, search.document(name, [name], []))])
    db.close()
    return own


def harmless(text):
    return not any(each in text.replace("\r\n", "\n") for each in BAD)


def test_names_that_hurt_break_out_of_nothing(hurting, tmp_path):
    import openpyxl

    names = [each["name"] for each in NICKNAMES]
    wild = ["--where", "id:" + ",".join(f"wmNasty{at:06d}" for at in range(len(names)))]
    table = hurting("customer", "list", *wild, "--all")
    assert harmless(table.out)
    assert len(table.out.splitlines()) == len(names) + 1
    listed = hurting("customer", "list", *wild, "--all", "--json", "--sort", "oldest")
    assert [each["name"] for each in listed.json["items"]] == names
    assert harmless(listed.out)
    for words in (["list", *wild, "--all", "--csv"], ["export", "-", *wild]):
        out = hurting("customer", *words).out
        assert harmless(out)
        for row in csv.reader(io.StringIO(out)):
            assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row)
    path = tmp_path / "nasty.xlsx"
    assert hurting("customer", "export", str(path), *wild).code == 0
    cells = [
        cell
        for row in openpyxl.load_workbook(path).active.iter_rows()
        for cell in row
        if cell.value is not None
    ]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}  # no formula among them
    assert all(harmless(str(cell.value)) for cell in cells)
    for at, name in enumerate(names):
        shown = hurting("customer", "show", f"wmNasty{at:06d}")
        assert shown.code == 0
        assert harmless(shown.out)
        if name.strip():
            refused = hurting("customer", "show", "--", f"{name}?!")
            assert (refused.code, harmless(refused.err)) == (5, True)
            refused = hurting("customer", "list", f"--owner={name}?!")
            assert refused.code == 2
            assert harmless(refused.err)
            assert f"wmNasty{at:06d}" in ids(hurting("customer", "search", "--json", "--", name))
    stats = hurting("stats", "state", *wild, "--all")
    assert harmless(stats.out)


def test_notes_are_kept_shown_and_taken_away(own):
    who = "wmDemo002100000005"
    kept = own("--as", "小李", "customer", "note", who, "喜欢", "红色", "--json").json
    assert (kept["text"], kept["author"]) == ("喜欢 红色", "小李")
    assert own("customer", "show", who, "--json").json["notes"][0]["id"] == kept["id"]
    line = own("customer", "timeline", who, "--json").json["items"][0]
    assert (line["field"], line["after"]) == ("note", "喜欢 红色")
    assert own("customer", "note", who, "--delete", str(kept["id"])).code == 0
    assert own("customer", "show", who, "--json").json["notes"] == []
    assert own("customer", "note", who, "--delete", "99").code == 5


def test_views_live_from_saving_to_deleting(own):
    saved = own("view", "save", "VIP", "--where", "＃金卡 has:phone", "--sort", "name", "--json")
    assert saved.json["filter"] == "#金卡 has:phone"
    assert own("view", "save", "vip", "--where", "王").code == 9
    assert own("view", "save", "bad", "--where", "status:x").code == 2
    assert own("view", "save", "@x", "--where", "").code == 2
    direct = own(
        "customer", "list", "--where", "#金卡 has:phone", "--sort", "name", "--all", "--json"
    )
    assert ids(own("customer", "list", "--view", "vip", "--all", "--json")) == ids(direct)
    narrowed = own("customer", "list", "--view", "vip", "--owner", "guide.1", "--all", "--json")
    assert set(ids(narrowed)) <= set(ids(direct))
    assert own("view", "show", "vip", "--json").json["customers"] == len(ids(direct))
    assert own("view", "rename", "VIP", "金卡客户").code == 0
    assert [each["name"] for each in own("view", "list", "--json").json["items"]] == ["金卡客户"]
    columns = own("view", "save", "short", "--where", "", "--fields", "name,status")
    assert columns.code == 0
    assert list(
        own("customer", "list", "--view", "short", "-n", "1", "--json").json["items"][0]
    ) == [
        "name",
        "status",
    ]
    assert own("view", "delete", "金卡客户").code == 0
    assert own("view", "show", "金卡客户").code == 5


def test_marks_are_frozen_sets(own, chain_home):
    tagged = set(ids(own("customer", "list", "--tag", "金卡", "--all", "--json")))
    added = own("mark", "add", "round1", "--tag", "金卡", "--json").json
    assert added["added"] == added["rows"] == len(tagged)
    assert own("mark", "add", "round1", "--tag", "金卡", "--json").json["added"] == 0
    one = sorted(tagged)[0]
    assert own("mark", "remove", "round1", "--id", one, "--json").json["removed"] == 1
    assert set(ids(own("mark", "show", "round1", "--all", "--json"))) == tagged - {one}
    assert own("mark", "add", "round1", "--id", one, "--id", "wmNobody").code == 5
    assert own("mark", "add", "round1").code == 2
    assert own("mark", "add", "round1", "--id", one, "--tag", "金卡").code == 2
    whole = own("mark", "add", "all", "--store", "all", "--json").json
    assert whole["rows"] == len(chain_home[1].people)
    assert {each["name"] for each in own("mark", "list", "--json").json["items"]} == {
        "picked", "round1", "all",
    }  # fmt: skip
    assert own("mark", "clear", "round1", "--json").json["cleared"] == len(tagged) - 1
    assert own("mark", "show", "round1").code == 5


def test_the_profiles_own_store_is_the_default(own):
    from storeops import config

    everywhere = ids(own("customer", "list", "--all", "--json"))
    there = ids(own("customer", "list", "--store", "S011", "--all", "--json"))
    config.save_profile(
        config.Profile("chain", "ww0", agent_id=1, base_url="http://127.0.0.1:9", store="S011")
    )
    found = own("customer", "list", "--all", "--json")
    assert ids(found) == there
    assert "S011" in found.err
    assert ids(own("customer", "list", "--store", "all", "--all", "--json")) == everywhere
    elsewhere = own("customer", "list", "--where", "store:S010", "--all", "--json")
    assert ids(elsewhere) == ids(own("customer", "list", "--store", "S010", "--all", "--json"))


def test_stores_are_mapped_from_the_chains_list(own, tmp_path):
    path = tmp_path / "shops.csv"
    path.write_bytes(
        "门店编号,门店名称,区域\nS013,杭3店,北区\nS014,宁4号店,北区\nS099,没有的,\n".encode(
            "gb18030"
        )
    )
    dry = own("store", "import", str(path), "--dry-run", "--json")
    assert dry.code == 6
    assert dry.json["changed"] == 1
    assert own("store", "show", "S013").code == 5
    done = own("store", "import", str(path), "--json")
    assert (done.code, done.json["changed"]) == (6, 1)
    assert own("store", "show", "S013", "--json").json["region"] == "北区"
    open_lines = {each["code"]: each["suggestions"] for each in done.json["open"]}
    assert open_lines["S099"] == []
    assert open_lines["S014"][0]["name"].startswith("宁4")
    department = str(open_lines["S014"][0]["department_id"])
    assert own("store", "map", department, "--code", "S014").code == 0
    assert own("store", "map", department, "--code", "S010").code == 9
    assert own("customer", "list", "--store", "S014", "--json").code == 0
    assert own("store", "import", str(path), "--json").json["changed"] == 1  # its name, region
    assert own("store", "import", str(path), "--json").json["unchanged"] == 2
    assert own("store", "map", department, "--forget").code == 0
    assert own("customer", "list", "--store", "S014", "--json").code == 2
    for text, says in (
        ("name\nx\n", "numbers"),
        ("code,name\n,x\n", "Line 2"),
        ("code,name\nS1,x\nS1,y\n", "twice"),
        ("code,department_id\nS1,abc\n", "abc"),
        ("code,department_id\nS1,999\n", "999"),
        ("code,department_id\nS1,10\nS2,10\n", "both"),
    ):
        path.write_text(text, encoding="utf-8")
        refused = own("store", "import", str(path))
        assert refused.code in (2, 5)
        assert says in refused.err


def test_staff_tags_groups_and_leavers_are_listed(ask, chain_home):
    chain = chain_home[1]
    staff = ask("staff", "list", "--json").json["items"]
    assert {each["userid"] for each in staff} == {each[0] for each in chain.members.values()}
    follows = [f for each in chain.people.values() for f in each.follows]
    for row in staff:
        mine = [f for f in follows if chain.members[f.staff][0] == row["userid"]]
        assert row["follows"] == sum(f.status != "unassigned" for f in mine) - sum(
            f.status not in ("active", "unassigned") for f in mine
        )
    shop = ask("staff", "list", "--store", "S010", "--json").json["items"]
    assert {each["userid"] for each in shop} == {
        value[0] for value in chain.members.values() if value[2] == 10
    }
    assert ask("staff", "list", "--status", "gone").code == 2
    assert ask("staff", "show", "guide.1", "--json").json["history"] == []
    assert ask("staff", "show", "guide.77").code == 5
    tags = {each["tag_id"]: each["follows"] for each in ask("tag", "list", "--json").json["items"]}
    assert tags == {v[0]: sum(k in f.tags for f in follows) for k, v in chain.tags.items()}
    shown = ask("tag", "show", "等级/金卡", "--json").json
    assert shown["customers"] == sum(
        any(1 in f.tags for f in each.follows) for each in chain.people.values()
    )
    groups = ask("group", "list", "--json").json["items"]
    assert {each["chat_id"] for each in groups} == {"wr1", "wr2"}
    members = ask("group", "members", "福利群", "--customers", "--json").json["items"]
    assert len(members) == sum(1 in each.groups for each in chain.people.values())
    assert ask("group", "show", "福").code == 0
    assert ask("group", "show", "群").code == 2
    assert ask("unassigned", "list", "--json").json["items"] == []


def test_stats_have_bars_on_a_terminal_only(ask):
    from storeops.sparks import bar

    assert bar(10, 10) == "█" * 24
    assert bar(0, 10) == ""
    assert bar(1, 100_000) == "▏"
    found = ask("stats", "way", "--json").json
    assert list(found) == ["items", "next", "has_more", "complete", "as_of", "total"]
    assert "█" not in ask("stats", "way").out
    assert ask("stats", "shoe").code == 2
    assert ask("stats", "--by", "store", "--json").json == ask("stats", "--json").json


def test_a_relation_without_its_day_is_no_january_of_1970(own):
    """Customers of leavers who were gone before the first sync: WeCom tells no createtime."""
    from storeops.app import App

    app = App.open("chain")
    with app.data.atomic():
        app.data.execute("UPDATE follow SET createtime = 0 WHERE id % 10 = 0")
        app.data.execute("UPDATE mirror_meta SET value = value + 1000 WHERE key = 'revision'")
    app.close()
    first = own("stats", "month", "--all", "--json").json["items"][0]
    assert (first["value"], first["name"]) == ("1970-01", "(not known)")
    assert first["customers"] > 0
    assert own("stats", "month", "--all").out.splitlines()[1].split()[:2] == ["(not", "known)"]


def test_the_shell_completes_values_offline(ask, chain_home, monkeypatch):
    from commands.completing import completion

    class Context:
        params: dict = {}
        parent = None

    assert ("guide.1", chain_home[1].members[1][1]) in completion("owner")(Context(), "guide.")
    assert [value for value, _what in completion("tag")(Context(), "等级")] == [
        "等级/金卡",
        "等级/银卡",
    ]
    assert ("S010", "") in completion("store")(Context(), "S0")
    assert completion("mark")(Context(), "p") == [("picked", "")]
    assert [value for value, _what in completion("status")(Context(), "un")] == ["unassigned"]
    monkeypatch.setenv("STOREOPS_PROFILE", "nobody")
    assert completion("owner")(Context(), "") == []


def test_staleness_is_told_on_stderr_only(ask, monkeypatch, frozen):
    fresh = ask("customer", "list", "-n", "1", "--json")
    assert fresh.err == ""
    monkeypatch.setattr("storeops.clock.SystemClock.now", lambda self: float(frozen + 3 * 86_400))
    stale = ask("customer", "list", "-n", "1", "--json")
    assert "3 d" in stale.err
    assert json.loads(stale.out)["as_of"] == fresh.json["as_of"]
    assert ask("customer", "list", "-n", "1", "--json", "--quiet").err == ""
