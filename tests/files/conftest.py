"""A mirror of forty invented customers, made without a sandbox, and workbooks written by hand."""

from __future__ import annotations

import io
import json
import zipfile
from xml.sax.saxutils import escape

import pytest

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
USED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKED = "http://schemas.openxmlformats.org/package/2006"


def customer(number):
    return f"wmCustomer{number:04}"


def phone(number):
    return f"1380000{number:04}"


def fill(app, count=40, several=(39, 40), name="客户{}", remark=""):
    """Customers 1…count followed by zhangsan; those of `several` by lisi as well."""
    with app.data.atomic() as connection:
        connection.executemany(
            "INSERT INTO staff (id, userid, name, status, is_follow_user, first_seen_at,"
            " updated_at) VALUES (?, ?, ?, 'active', 1, 0, 0)",
            [(1, "zhangsan", "张三"), (2, "lisi", "李四")],
        )
        connection.execute("INSERT INTO tag_group (id, group_id, name) VALUES (1, 'g1', '等级')")
        connection.executemany(
            "INSERT INTO tag (id, tag_id, group_id, name) VALUES (?, ?, 1, ?)",
            [(1, "etGold", "金卡"), (2, "etSilver", "银卡")],
        )
        connection.executemany(
            "INSERT INTO customer (id, external_userid, name, type, gender, unionid, createtime,"
            " first_seen_at, updated_at) VALUES (?, ?, ?, 1, 0, ?, ?, 0, 0)",
            [(n, customer(n), name.format(n), f"oUnion{n}", 1_760_000_000 + n)
             for n in range(1, count + 1)],
        )  # fmt: skip
        pairs = [(1, n) for n in range(1, count + 1)] + [(2, n) for n in several]
        connection.executemany(
            "INSERT INTO follow (staff_id, customer_id, createtime, remark, mobiles, add_way,"
            " status, tags_known, first_seen_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, 1, 'active', 1, 0, 0)",
            [(staff, n, 1_760_000_000 + n + staff, remark.format(n),
              json.dumps([phone(n)] if staff == 1 else [])) for staff, n in pairs],
        )  # fmt: skip


@pytest.fixture
def people(home):
    """The forty customers, as the only profile of a home."""
    from storeops import config, secrets
    from storeops.app import App

    config.save_profile(
        config.Profile("t", "ww0", agent_id=1, base_url="http://127.0.0.1:9"), make_default=True
    )
    secrets.save("t", "secret")
    app = App.open("t")
    fill(app)
    yield app
    app.close()


def cell(reference, value, style=""):
    """XML of a cell: text, or a number as it stands."""
    style = f' s="{style}"' if style != "" else ""
    if isinstance(value, str):
        return f'<c r="{reference}"{style} t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{reference}"{style}><v>{value}</v></c>'


def letters(column):
    found = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        found = chr(65 + rest) + found
    return found


def row(number, values, attributes=""):
    cells = "".join(
        cell(f"{letters(at)}{number}", value)
        for at, value in enumerate(values)
        if value is not None
    )
    return f'<row r="{number}"{attributes}>{cells}</row>'


def sheet(rows, before="", after=""):
    """XML of a sheet; rows as lists, or as XML."""
    made = "".join(
        each if isinstance(each, str) else row(number, each) for number, each in enumerate(rows, 1)
    )
    return (
        f'{HEAD}<worksheet xmlns="{MAIN}">{before}<sheetData>{made}</sheetData>{after}</worksheet>'
    )


def workbook(
    *sheets, names=(), states=(), kinds=(), more=None, styles="", shared=None, date1904=""
):
    """The bytes of a workbook of these sheets (XML)."""
    names = names or [f"Sheet{at}" for at in range(1, len(sheets) + 1)]
    parts = {
        "[Content_Types].xml": f'{HEAD}<Types xmlns="{PACKED}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'{HEAD}<Relationships xmlns="{PACKED}/relationships"><Relationship'
        f' Id="rId1" Type="{USED}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    }
    relations = listing = ""
    for at, made in enumerate(sheets, 1):
        kind = kinds[at - 1] if kinds else "worksheet"
        state = f' state="{states[at - 1]}"' if states and states[at - 1] else ""
        listing += f'<sheet name="{escape(names[at - 1])}" sheetId="{at}"{state} r:id="rId{at}"/>'
        relations += (
            f'<Relationship Id="rId{at}" Type="{USED}/{kind}" Target="worksheets/sheet{at}.xml"/>'
        )
        parts[f"xl/worksheets/sheet{at}.xml"] = made
    if styles:
        relations += f'<Relationship Id="rIdS" Type="{USED}/styles" Target="styles.xml"/>'
        parts["xl/styles.xml"] = f'{HEAD}<styleSheet xmlns="{MAIN}">{styles}</styleSheet>'
    if shared is not None:
        relations += f'<Relationship Id="rIdT" Type="{USED}/sharedStrings" Target="s.xml"/>'
        texts = "".join(f"<si><t>{escape(each)}</t></si>" for each in shared)
        parts["xl/s.xml"] = f'{HEAD}<sst xmlns="{MAIN}">{texts}</sst>'
    parts["xl/workbook.xml"] = (
        f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{USED}"><workbookPr{date1904}/>'
        f"<sheets>{listing}</sheets></workbook>"
    )
    parts["xl/_rels/workbook.xml.rels"] = (
        f'{HEAD}<Relationships xmlns="{PACKED}/relationships">{relations}</Relationships>'
    )
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in (parts | (more or {})).items():
            book.writestr(name, text)
    return data.getvalue()
