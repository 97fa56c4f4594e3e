"""Exports: quick ways to write a row against slow and plain ones, and files opened by others."""

import csv
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storeops import export_file
from storeops.domains.export import export, parquet, xlsx
from storeops.plain import mask_phone, mask_phones, plain
from storeops.reading.export_rows import NUMBERS, flat, flat_columns
from storeops.reading.query import CustomerQuery
from storeops.reading.query_rows import CustomerRows
from storeops.spreadsheet import csv_cell, terminal_safe

NOW = 1_780_000_000

# -- a mirror with anything in it ----------------------------------------------------------------

BITS = [
    "", "王", "小明", "Anna", "a b", " ", "\u3000", ",", '"', "'", "\r\n", "\n", "\t", "\x00",
    "\x1b[31m", "\x9b", "\u202e", "\u200d", "\ufe0f", "\u2764\ufe0f", "\U0001f468\u200d\U0001f469",
    "🦋", "e\u0301\u0301\u0301\u0301", "=1+1", "+", "-", "@x", "|", "＝", "0", "0012", "1e5",
    "123456789012", "²", "٣", "13812345678", "23812345678", "+8613900001111", "; ", "&", "<b>",
    "_x0041_", "_x", "\ufffe", "\uffff", "\ue000", "\u0378", "\u2028", "\ufeff", "\xa0", "\\",
    "/", "%s", "{0}", "\U000e0041",
]  # fmt: skip
PHONES = ["13812345678", "13900001111", "+86 13900001111", "1", "0212345", ""]
STATUSES = ["active", "active", "missing", "lost", "unassigned", "out_of_scope"]
WAYS = [0, 1, 3, 16, 202, -1, 10**12]


def build(seed):
    """A mirror from a number: some of them hold ordinary words, some anything anywhere."""
    dice = random.Random(seed)
    wild = dice.choice([0.0, 0.1, 0.7])

    def text(*ordinary):
        if dice.random() < wild:
            return "".join(dice.choices(BITS, k=dice.randrange(5)))
        return dice.choice(ordinary)

    def follow(member):
        mobiles = [dice.choice([*PHONES, text("1")]) for _ in range(dice.choice([0, 0, 1, 1, 3]))]
        return (
            member, dice.randrange(5), dice.randrange(4), text("", "王 高端", "李-2"),
            text("", "x"), mobiles, dice.choice(WAYS), text("", "douyin-2"), dice.choice(STATUSES),
            {tag for tag in range(1, 5) if dice.random() < 0.4},
        )  # fmt: skip

    def customer():
        members = [member for member in range(1, 5) if dice.random() < 0.4]
        name, unionid = text("王芳", "🦋Li", "13812345678"), text("", "o1")
        return (name, 1, dice.randrange(3), unionid, [follow(member) for member in members])

    return {
        "staff": [(text("u"), text("王芳", "Li")) for _ in range(4)],
        "stores": [text("旗舰店", "二店") for _ in range(3)],
        "groups": [text("等级") for _ in range(2)],
        "tags": [text("金卡", "VIP") for _ in range(4)],
        "people": [customer() for _ in range(dice.randrange(16))],
    }


MIRROR = st.integers(0, 2**32).map(build)
COLUMNS = flat_columns()  # those of domains, too
FIELDS = st.just(()) | st.lists(st.sampled_from(COLUMNS), min_size=1, unique=True).map(tuple)
QUICK = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    from storeops.app import DATA_ROOMS, migrations
    from storeops.database.database import open_database

    db = open_database(tmp_path_factory.mktemp("exports") / "data.db", migrations(DATA_ROOMS))
    yield db
    db.close()


@pytest.fixture
def small(monkeypatch):
    """Steps, pieces and groups so small that a few customers need several of each."""
    monkeypatch.setattr(export_file, "STEP", 3)
    monkeypatch.setattr(xlsx, "_PIECE", 2)
    monkeypatch.setattr(parquet, "_GROUP", 2)


def fill(db, mirror):
    """The mirror holds exactly these rows."""
    with db.atomic() as connection:
        for table in (
            "staff",
            "department",
            "customer",
            "follow",
            "follow_tag",
            "tag",
            "tag_group",
        ):
            connection.execute(f"DELETE FROM {table}")
        for key, (userid, name) in enumerate(mirror["staff"], 1):
            connection.execute(
                "INSERT INTO staff (id, userid, name, first_seen_at, updated_at)"
                " VALUES (?, ?, ?, 0, 0)",
                (key, userid.replace("\x00", "") + str(key), name),
            )
        for key, name in enumerate(mirror["stores"], 1):
            connection.execute(
                "INSERT INTO department (id, name, first_seen_at, updated_at) VALUES (?, ?, 0, 0)",
                (key, name),
            )
        for key, name in enumerate(mirror["groups"], 1):
            connection.execute(
                "INSERT INTO tag_group (id, group_id, name) VALUES (?, ?, ?)",
                (key, f"g{key}", name),
            )
        for key, name in enumerate(mirror["tags"], 1):
            connection.execute(
                "INSERT INTO tag (id, tag_id, group_id, name) VALUES (?, ?, ?, ?)",
                (key, f"et{key}", key if key < 3 else None, name),
            )
        follow = 0
        for key, (name, kind, gender, unionid, follows) in enumerate(mirror["people"], 1):
            connection.execute(
                "INSERT INTO customer (id, external_userid, name, type, gender, unionid,"
                " createtime, first_seen_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)",
                (key, f"wm_{key}-A", name, kind, gender, unionid,
                 max((each[2] for each in follows), default=0)),
            )  # fmt: skip
            for staff, store, at, remark, description, mobiles, way, state, status, tags in follows:
                follow += 1
                connection.execute(
                    "INSERT INTO follow (id, staff_id, customer_id, store_id, createtime, remark,"
                    " description, mobiles, add_way, state, status, first_seen_at, updated_at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)",
                    (follow, staff, key, store, at, remark, description,
                     json.dumps(mobiles, ensure_ascii=False, separators=(",", ":")), way, state,
                     status),
                )  # fmt: skip
                connection.executemany(
                    "INSERT INTO follow_tag (follow_id, tag_id, createtime, customer_id)"
                    " VALUES (?, ?, ?, ?)",
                    [(follow, tag, at, key) for tag in tags],
                )


def slowly(db, reveal, sort="newest"):
    """The rows as `customer list --json` has them, in the order of the list."""
    query = CustomerQuery(db, "", sort=sort, now=NOW)
    ids = [key[1] for keys in query.keys(100) for key in keys]
    return CustomerRows(db, {}, None if reveal else (mask_phone, mask_phones)).load(ids)


def write(db, path, **words):
    query = CustomerQuery(db, "", sort=words.pop("sort", "newest"), now=NOW)
    done = export.export_customers(db, query, str(path), sys.stdout, **words)
    return done, path.read_bytes()


def slow_csv(rows, names):
    text = io.StringIO()
    text.write(",".join(names) + "\r\n")
    writer = csv.writer(text, lineterminator="\r\n")
    for row in rows:
        writer.writerow([row[name] if name in NUMBERS else csv_cell(row[name]) for name in names])
    return text.getvalue()


def slow_xlsx(rows, names):
    """What xlsxwriter itself makes of these rows: the XML between <sheetData> and its end."""
    import xlsxwriter

    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"constant_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet()
    for column, name in enumerate(names):
        sheet.write_string(0, column, name)
    for at, row in enumerate(rows, 1):
        for column, name in enumerate(names):
            if name in NUMBERS:
                sheet.write_number(at, column, row[name])
            elif text := plain(row[name] or "")[:32_767]:
                sheet.write_string(at, column, text)
    book.close()
    return sheet_data(data.getvalue())


def sheet_data(raw):
    with zipfile.ZipFile(io.BytesIO(raw)) as book:
        text = book.read("xl/worksheets/sheet1.xml").decode()
    # ours have an empty last cell, so that every row has its width; xlsxwriter says the width above
    found = re.sub(r'<c r="[A-Z]\d+"/>', "", text)
    found = re.sub(r'<row r="\d+"></row>', "", found)
    return found[found.index("<sheetData") : found.index("</sheetData>")]


@given(mirror=MIRROR, names=FIELDS, reveal=st.booleans(), sort=st.sampled_from(["newest", "name"]))
@QUICK
def test_csv_is_what_a_csv_writer_makes_of_the_list(
    empty, small, tmp_path, mirror, names, reveal, sort
):
    fill(empty, mirror)
    rows = [flat(row) for row in slowly(empty, reveal, sort)]
    done, raw = write(empty, tmp_path / "a.csv", fields=names, reveal=reveal, sort=sort)
    assert raw.decode("utf-8") == slow_csv(rows, names or COLUMNS)
    assert done.rows == len(mirror["people"])


@given(mirror=MIRROR, reveal=st.booleans())
@QUICK
def test_ndjson_is_what_an_encoder_makes_of_the_list(empty, small, tmp_path, mirror, reveal):
    fill(empty, mirror)
    rows = slowly(empty, reveal)
    _done, raw = write(empty, tmp_path / "a.ndjson", reveal=reveal)
    wanted = [
        terminal_safe(json.dumps(row, ensure_ascii=False, separators=(",", ":"))) for row in rows
    ]
    assert raw.decode("utf-8").split("\n") == [*wanted, ""]
    assert [json.loads(line) for line in wanted] == rows


@given(mirror=MIRROR, names=FIELDS, reveal=st.booleans())
@QUICK
def test_rows_of_a_sheet_are_what_xlsxwriter_writes(empty, small, tmp_path, mirror, names, reveal):
    fill(empty, mirror)
    rows = [flat(row) for row in slowly(empty, reveal)]
    _done, raw = write(empty, tmp_path / "a.xlsx", fields=names, reveal=reveal)
    assert sheet_data(raw) == slow_xlsx(rows, names or COLUMNS)


@given(mirror=MIRROR, names=FIELDS, reveal=st.booleans())
@QUICK
def test_parquet_holds_the_values_themselves(empty, small, tmp_path, mirror, names, reveal):
    import pyarrow.parquet

    fill(empty, mirror)
    rows = [flat(row) for row in slowly(empty, reveal)]
    write(empty, tmp_path / "a.parquet", fields=names, reveal=reveal)
    found = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    names = names or COLUMNS
    assert found.column_names == list(names)
    assert found.to_pylist() == [{name: row[name] for name in names} for row in rows]


def person(name="王芳", follows=(), unionid="o1"):
    return (name, 1, 0, unionid, list(follows))


def relation(member=1, remark="", mobiles=(), tags=()):
    return (member, 1, member, remark, "", list(mobiles), 1, "", "active", set(tags))


PLAIN = {
    "staff": [("u", "王芳"), ("u", "李军"), ("u", "Anna"), ("u", "x")],
    "stores": ["旗舰店", "二店", "三店"],
    "groups": ["等级", "地区"],
    "tags": ["金卡", "银卡", "a", "b"],
}


def test_a_phone_in_the_name_of_somebody_nobody_follows_is_masked(empty, tmp_path):
    fill(empty, {**PLAIN, "people": [person("电话13812345678")]})
    for kind in ("csv", "ndjson"):
        assert b"138****5678" in write(empty, tmp_path / f"a.{kind}")[1]
        assert b"13812345678" in write(empty, tmp_path / f"b.{kind}", reveal=True)[1]


def test_a_long_cell_is_cut_where_a_sheet_ends_it(empty, tmp_path):
    import openpyxl

    long = "王" * 40_000
    fill(empty, {**PLAIN, "people": [person("a", [relation(1, long)]), person("b" * 33_000)]})
    write(empty, tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    found = {row[1][:1]: row for row in sheet.iter_rows(min_row=2, values_only=True)}
    assert found["a"][COLUMNS.index("remark")] == long[:32_767]
    assert found["b"][1] == "b" * 32_767


def test_more_rows_than_a_sheet_takes_go_on_the_next(empty, small, tmp_path, monkeypatch):
    import openpyxl

    monkeypatch.setattr(xlsx, "SHEET_ROWS", 7)
    people = [person(f"n{at}", [relation(1 + at % 4)]) for at in range(20)]
    fill(empty, {**PLAIN, "people": people})
    done, _raw = write(empty, tmp_path / "a.xlsx", fields=("name", "createtime"))
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    sheets = [list(sheet.iter_rows(values_only=True)) for sheet in book]
    assert [len(sheet) for sheet in sheets] == [7, 7, 7, 3]
    assert {sheet[0] for sheet in sheets} == {("name", "createtime")}
    assert done.rows == 20
    found = [row[0] for sheet in sheets for row in sheet[1:]]
    assert found == [row["name"] for row in slowly(empty, True)]
    assert all(sheet.freeze_panes == "A2" for sheet in book)


def test_somebody_who_goes_while_the_export_runs_leaves_no_gap(empty, tmp_path):
    import openpyxl

    people = [person(f"n{at}", [relation()]) for at in range(10)]
    for kind in ("csv", "ndjson", "parquet", "xlsx"):
        fill(empty, {**PLAIN, "people": people})

        class Query(CustomerQuery):
            def keys(self, batch=1000, after=None):
                for found in super().keys(3, after):
                    for _time, key in found[1:2]:
                        self.db.execute("DELETE FROM customer WHERE id = ?", (key,))
                    yield found

        path = tmp_path / f"a.{kind}"
        query = Query(empty, "", now=NOW)
        done = export.export_customers(empty, query, str(path), sys.stdout)
        assert done.rows == 7  # of batches of 3, 3, 3 and 1 the second of each went
    table = list(openpyxl.load_workbook(tmp_path / "a.xlsx").active.iter_rows(values_only=True))
    assert len(table) == 8
    assert all(table[at][0] for at in range(8))


@pytest.mark.parametrize("kind", ["csv", "xlsx", "ndjson", "parquet"])
@pytest.mark.parametrize("fault", [KeyboardInterrupt, ZeroDivisionError])
def test_an_export_that_is_broken_off_leaves_nothing(empty, small, tmp_path, kind, fault):
    fill(empty, {**PLAIN, "people": [person(f"n{at}", [relation()]) for at in range(20)]})

    def told(_done):
        raise fault

    with pytest.raises(fault):
        write(empty, tmp_path / f"a.{kind}", on_progress=told)
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_now_and_then_and_at_the_end(empty, small, tmp_path):
    fill(empty, {**PLAIN, "people": [person(f"n{at}", [relation()]) for at in range(7)]})
    for kind in ("csv", "xlsx", "ndjson", "parquet"):
        said = []
        write(empty, tmp_path / f"a.{kind}", on_progress=said.append)
        assert said == [3, 6, 7], kind


@pytest.mark.parametrize("kind", ["csv", "xlsx", "ndjson", "parquet"])
def test_more_customers_need_no_more_memory(empty, tmp_path, kind, monkeypatch):
    import tracemalloc

    fill(empty, {**PLAIN, "people": [person("王芳", [relation(1), relation(2)])]})
    (row,) = slowly(empty, True)
    monkeypatch.setattr(parquet, "_GROUP", 500)
    query = CustomerQuery(empty, "", now=NOW)

    def peak(rows):
        def many(*_words):
            return ({**row, "name": f"王芳{at % 500}"} for at in range(rows)), None

        monkeypatch.setattr(export, "stream", many)
        tracemalloc.start()
        try:
            done = export.export_customers(empty, query, str(tmp_path / f"a.{kind}"), sys.stdout)
            assert done.rows == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # what is imported
    few = peak(1_000)
    # what another thread of this process takes meanwhile is not the export's
    assert min(peak(8_000), peak(8_000)) < few * 1.5


# -- opened by others, compared with the list ----------------------------------------------------


def test_other_libraries_find_in_every_file_what_the_list_shows(ask, tmp_path):
    import openpyxl
    import pyarrow.csv
    import pyarrow.parquet

    items = ask("customer", "list", "--all", "--json", "--reveal").json["items"]
    rows = [flat(item) for item in items]
    assert len(rows) > 250
    for name in ("a.csv", "a.xlsx", "a.ndjson", "a.parquet"):
        assert ask("customer", "export", str(tmp_path / name), "--reveal", "--raw").code == 0
    cells = [
        {name: str(row[name]) if name in NUMBERS else csv_cell(row[name]) for name in COLUMNS}
        for row in rows
    ]
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == cells
    table = pyarrow.csv.read_csv(
        tmp_path / "a.csv",
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(COLUMNS, pyarrow.string()), strings_can_be_null=False
        ),
    )
    assert table.to_pylist() == cells
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx", read_only=True).active
    head, *body = sheet.iter_rows(values_only=True)
    assert head == COLUMNS
    assert [dict(zip(head, row, strict=True)) for row in body] == [
        {name: row[name] if name in NUMBERS else plain(row[name] or "") or None for name in COLUMNS}
        for row in rows
    ]
    lines = (tmp_path / "a.ndjson").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == items
    assert pyarrow.parquet.read_table(tmp_path / "a.parquet").to_pylist() == rows


def test_fields_are_the_columns_of_the_file_not_of_the_answer(ask, tmp_path):
    path = tmp_path / "a.csv"
    done = ask("customer", "export", str(path), "--raw", "--fields", "store,name", "--json").json
    assert (done["rows"], done["format"], done["masked"]) == (300, "csv", True)
    assert path.read_text(encoding="utf-8").startswith("store,name\n")


# -- as a user does it ---------------------------------------------------------------------------


def storeops(*words, **more):
    """The command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "storeops", "--profile", "chain", *words], **more
    )


@pytest.fixture
def home(chain_home):
    return {**os.environ, "STOREOPS_HOME": str(chain_home[0]), "STOREOPS_LANG": "en"}


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_a_pipe_that_is_closed_early_ends_the_export_quietly(home, kind):
    with storeops(
        "customer", "export", "-", "--format", kind, env=home,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read().decode()
        code = running.wait(30)
    assert "Traceback" not in said
    assert "Exception" not in said
    assert code in (0, 141, -signal.SIGPIPE)


def test_an_export_into_a_folder_that_takes_nothing_says_so(home, tmp_path):
    for path in ("/proc/none.csv", str(tmp_path / "no" / "such" / "a.xlsx"), str(tmp_path)):
        with storeops(
            "customer", "export", path, "--format", "csv", env=home,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as running:  # fmt: skip
            out, said = running.communicate(timeout=30)
        assert running.returncode == 3, said
        assert "cannot be written" in said
        assert out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("room", [8_000, 600], ids=["full later", "full at once"])
@pytest.mark.parametrize("kind", ["csv", "xlsx", "ndjson", "parquet"])
def test_an_export_that_the_disk_does_not_hold_leaves_the_old_file(home, tmp_path, kind, room):
    path = tmp_path / f"out.{kind}"
    path.write_text("old")
    program = (
        "import resource, sys\n"
        "from storeops import export_file\n"
        "from storeops.domains.export import export\n"
        "from commands.main import run\n"
        "whole = export.export_customers\n"
        "def limited(*words, **more):\n"
        f"    resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))\n"
        "    return whole(*words, **more)\n"
        "export.export_customers = limited\n"
        f"sys.exit(run(['--profile', 'chain', 'customer', 'export', {str(path)!r}, '--force']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=home, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 3, done.stderr
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.stdout == ""
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["csv", "xlsx", "ndjson", "parquet"])
def test_an_export_that_is_killed_leaves_the_old_file(home, tmp_path, kind):
    """Held in the middle of its rows; a second one is refused; kill -9; the next one is whole."""
    path = tmp_path / f"out.{kind}"
    path.write_text("old")
    program = (
        "import sys, time\n"
        "from storeops import export_file\n"
        "from storeops.domains.export import export\n"
        "from commands.main import run\n"
        "export_file.STEP = 100\n"
        "whole = export.export_customers\n"
        "def held(*words, **more):\n"
        "    def told(_rows):\n"
        "        print('row', flush=True)\n"
        "        time.sleep(60)\n"
        "    return whole(*words, **{**more, 'on_progress': told})\n"
        "export.export_customers = held\n"
        f"sys.exit(run(['--profile', 'chain', 'customer', 'export', {str(path)!r}, '--force']))\n"
    )
    words = ("customer", "export", str(path), "--force")
    with subprocess.Popen(
        [sys.executable, "-c", program], env=home, stdout=subprocess.PIPE
    ) as running:
        try:
            assert running.stdout.readline() == b"row\n"
            with storeops(*words, env=home, stderr=subprocess.PIPE) as second:
                assert b"Another export" in second.stderr.read()
            assert second.returncode == 9
        finally:
            running.kill()
    assert path.read_text() == "old"
    left = [each for each in tmp_path.iterdir() if each != path]
    assert [each.suffix for each in left] == [".part"]
    assert left[0].stat().st_mode & 0o777 == 0o600
    with storeops(*words, env=home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as again:
        assert again.wait(60) == 0, again.stderr.read()
    assert path.stat().st_size > 1_000
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_named_pipe_is_written_to_and_stays_a_pipe(home, tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with storeops("customer", "export", str(pipe), env=home, stderr=subprocess.DEVNULL) as running:
        with pipe.open(encoding="utf-8", newline="") as file:
            assert len(list(csv.DictReader(file))) == 300
        assert running.wait(30) == 0
    assert pipe.is_fifo()
