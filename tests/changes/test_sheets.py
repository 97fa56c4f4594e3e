"""Files of wishes: encodings, headings, keys, and ten kinds of bad rows named one by one."""

import io

import pytest

from storeops.changes import apply, plans, row_results, sheets
from storeops.changes.follow_requests import of_sheet
from storeops.domains.tags.tag_plan import FIELDS, plan_tags
from storeops.errors import NotFoundError, UsageError
from storeops.tables import typed


def follows(corp, where="f.status = 'active'"):
    return corp.app.data.execute(
        "SELECT s.userid, c.external_userid FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
        f" JOIN customer AS c ON c.id = f.customer_id WHERE {where} ORDER BY f.id"
    ).fetchall()


def read(tmp_path, text, encoding="utf-8", **how):
    path = tmp_path / "in.csv"
    path.write_bytes(text.encode(encoding))
    return sheets.read(sheets.Source(str(path), **how), FIELDS)


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030"), ("utf-16", "utf-16")],
)
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_encodings_and_separators(tmp_path, encoding, said, separator):
    text = f"客户ID{separator}导购{separator}备注\r\nwm1{separator}王芳{separator}𠮷野家\r\n"
    sheet = read(tmp_path, text, encoding)
    assert sheet.encoding == said
    assert sheet.fields == {"external_userid": "客户ID", "userid": "导购"}
    assert sheet.ignored == ("备注",)
    assert [(line.number, dict(line.cells)) for line in sheet.lines] == [
        (2, {"external_userid": "wm1", "userid": "王芳"})
    ]


def test_line_numbers_survive_blank_lines_and_line_breaks_in_cells(tmp_path):
    text = '\n\nexternal_userid,userid\nwm1,"two\nlines"\n\n,,\nwm2,x\n'
    assert [line.number for line in read(tmp_path, text).lines] == [4, 8]


def test_headings_are_suggested(tmp_path):
    with pytest.raises(UsageError) as error:
        read(tmp_path, "external_useridd,x\nwm1,2\n")
    assert "--column external_useridd=external_userid" in error.value.hint
    sheet = read(tmp_path, "kunde,x\nwm1,2\n", mapping={"kunde": "external_userid"})
    assert sheet.fields == {"external_userid": "kunde"}
    with pytest.raises(UsageError, match="no heading kunden"):
        read(tmp_path, "kunde,x\nwm1,2\n", mapping={"kunden": "external_userid"})
    with pytest.raises(UsageError, match="both mean"):
        read(tmp_path, "phone,手机\n1,2\n")


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\xff\xff\xff\x80\xff", b"PK\x03\x04rubbish\xff"]
)
def test_what_is_no_table_is_refused(tmp_path, content):
    path = tmp_path / "in.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        sheets.read(sheets.Source(str(path)), FIELDS)
    with pytest.raises(NotFoundError):
        sheets.read(sheets.Source(str(tmp_path / "none.csv")), FIELDS)


def test_workbooks_keep_digits(tmp_path):
    import openpyxl

    workbook = openpyxl.Workbook()
    page = workbook.active
    page.title = "客户"
    page.append(["手机号", "成员"])
    page.append([13800000001, "a"])
    page.append([None, None])
    page.append(["13800000002", "b"])
    path = tmp_path / "in.xlsx"
    workbook.save(path)
    sheet = sheets.read(sheets.Source(str(path), sheet="客户"), FIELDS)
    assert [(line.number, line.get("phone")) for line in sheet.lines] == [
        (2, "13800000001"),
        (4, "13800000002"),
    ]
    with pytest.raises(NotFoundError, match="no sheet"):
        sheets.read(sheets.Source(str(path), sheet="x"), FIELDS)


def test_the_template_can_be_read_back(tmp_path):
    sheet = read(tmp_path, sheets.template(FIELDS, bom=True))
    assert set(sheet.fields) == {each.name for each in FIELDS}
    assert len(sheet.lines) == 1


@pytest.mark.parametrize(
    "text", ["138 0000 0000", "138-0000-0000", "+86 13800000000", "8613800000000", "13800000000"]
)
def test_phones_are_understood_as_written(text):
    assert typed.phone(text) == "13800000000"


def test_ten_kinds_of_bad_rows_are_named_and_the_good_ones_planned(make_corp, tmp_path):
    corp = make_corp(stores=2, staff=8, follows=400)
    app = corp.app
    tag, other = (row[0] for row in app.data.execute("SELECT tag_id FROM tag ORDER BY id LIMIT 2"))
    with app.data.atomic() as connection:  # two customers with one phone number
        connection.execute(
            "UPDATE follow SET mobiles = '[\"13911112222\"]' WHERE id IN"
            " (SELECT id FROM follow WHERE status = 'active' ORDER BY id LIMIT 2)"
        )
        group = connection.execute("SELECT max(id) FROM tag_group").fetchone()[0]
        duplicate = connection.execute("SELECT name FROM tag WHERE tag_id = ?", (tag,)).fetchone()[
            0
        ]
        connection.execute(
            "INSERT INTO tag (tag_id, group_id, name) VALUES ('etTwin', ?, ?)", (group, duplicate)
        )
    once = follows(
        corp,
        "f.status = 'active' AND 1 = (SELECT count(*) FROM follow AS g"
        " WHERE g.customer_id = f.customer_id AND g.status <> 'lost')",
    )
    shared = follows(
        corp,
        "f.status = 'active' AND 2 <= (SELECT count(*) FROM follow AS g"
        " WHERE g.customer_id = f.customer_id AND g.status = 'active')",
    )
    member, good = once[10]
    stranger = next(userid for userid, _c in once if userid != member)
    head = "客户id,手机,unionid,成员,add,remove\n"
    bad = {
        "no_key": ",,,x,,",
        "unknown_id": "wmNobody,,,,,",
        "bad_id": "wm with blanks,,,,,",
        "unknown_phone": ",13800009999,,,,",
        "shared_phone": ",13911112222,,,,",
        "rounded_phone": ",1.38E+10,,,,",
        "bad_phone": ",abc,,,,",
        "unknown_unionid": ",,oNobody,,,",
        "unknown_member": f"{once[0][1]},,,nobody,,",
        "no_relation": f"{good},,,{stranger},,",
        "several_members": f"{shared[0][1]},,,,,",
        "surplus": f"{once[1][1]},,,,,,more",
        "unknown_tag": f"{once[2][1]},,,,No/Such,",
        "ambiguous_tag": f"{once[3][1]},,,,{duplicate},",
        "both": f"{once[4][1]},,,,,{other}",
        "duplicate": f"{once[5][1]},,,,,",
    }
    lines = [f"{once[5][1]},,,,,", *bad.values(), f"{good},,,{member},,"]
    path = tmp_path / "in.csv"
    path.write_bytes((head + "\n".join(lines) + "\n").encode("gb18030"))
    selected = of_sheet(app.data, sheets.read(sheets.Source(str(path)), FIELDS))
    plan = plan_tags(app.ledger, selected, add=[other])
    named = {each["code"]: each for each in plan.problems if not each["warning"]}
    assert {code: each["line"] for code, each in named.items()} == {
        code: number for number, code in enumerate(bad, start=3)
    }
    for each in named.values():
        assert f"line {each['line']}" in each["message"]
        assert "13911112222" not in each["message"], "no phone number in a message"
    assert corp.sandbox.control.calls()["paths"].get("externalcontact/mark_tag") is None
    assert plan.rows == plan.ready == 2
    apply.apply(app.ledger, plan.name)
    corp.run(plan_id=plan.id)
    assert plans.row_counts(app.data, plan.id) == {"done": 2}
    assert {each.external_userid for each in row_results.results(app.data, plan.id)} == {
        good,
        once[5][1],
    }


def test_a_row_whose_keys_are_of_two_customers_is_named(make_corp, tmp_path):
    corp = make_corp(stores=2, staff=8, follows=100)
    app = corp.app
    once = follows(
        corp,
        "f.status = 'active' AND 1 = (SELECT count(*) FROM follow AS g"
        " WHERE g.customer_id = f.customer_id AND g.status <> 'lost')",
    )
    (_u1, one), (_u2, other), (_u3, third), (_u4, fourth) = once[:4]
    phones = {one: "13911112222", other: "13911113333", third: "13911114444"}
    with app.data.atomic() as connection:
        connection.execute("UPDATE follow SET mobiles = '[]'")
        for customer, phone in {**phones, fourth: phones[third]}.items():
            connection.execute(
                "UPDATE follow SET mobiles = json_array(?) WHERE customer_id ="
                " (SELECT id FROM customer WHERE external_userid = ?)",
                (phone, customer),
            )
    unionid = dict(app.data.execute("SELECT external_userid, unionid FROM customer").fetchall())
    head = "external_userid,手机,unionid\n"
    wrong = [
        f"{one},{phones[other]},",
        f"{one},,{unionid[other]}",
        f",{phones[one]},{unionid[other]}",
        f"C000001,{phones[one]},{unionid[other]}",
        f"{one},{phones[one]},{unionid[other]}",
        f"{one},{phones[third]},",
    ]
    right = [
        f"{one},13800000000,oNobody",  # keys that nobody has say nothing
        f"{other},{phones[other]},{unionid[other]}",
        f"{third},{phones[third]},",  # a family's phone number
    ]
    path = tmp_path / "in.csv"
    path.write_text(head + "\n".join([*wrong, *right]) + "\n")
    selected = of_sheet(app.data, sheets.read(sheets.Source(str(path)), FIELDS), follows="all")
    named = [each for each in selected.problems if not each.warning]
    assert [(each.code, each.line) for each in named] == [
        ("two_customers", number) for number in range(2, 2 + len(wrong))
    ]
    assert "external_userid and 手机 of this row" in named[0].message
    assert not any(phone in each.message for phone in phones.values() for each in named)
    assert [each.external_userid for each in selected.relations] == [one, other, third]


def test_a_pipe_is_read(tmp_path, monkeypatch):
    class Pipe:
        buffer = io.BytesIO("external_userid\nwm1\n".encode("utf-16"))

    monkeypatch.setattr("sys.stdin", Pipe())
    assert sheets.read(sheets.Source("-"), FIELDS).encoding == "utf-16"
