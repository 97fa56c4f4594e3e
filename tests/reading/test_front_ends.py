"""Front ends agree: every list, card, screen and file says the same of every customer."""

import contextlib
import csv
import io
import json
from collections import Counter

import pytest

CUSTOMERS = 2_000
EVERY = (
    "active", "missing", "lost", "handed_over", "unassigned", "out_of_scope", "deleted",
)  # fmt: skip


@pytest.fixture(scope="module")
def chain_home(tmp_path_factory, make_home):
    """A home with 2,000 customers: of every status, of owners of different statuses, of nobody."""
    folder = tmp_path_factory.mktemp("front-ends") / "home"
    chain = make_home(folder, customers=CUSTOMERS, seed=13)
    with chain.db.atomic() as db:
        for at, status in enumerate(EVERY[1:6]):  # customers whose follows all ended alike …
            db.execute("UPDATE follow SET status = ? WHERE customer_id % 40 = ?", (status, at))
        # … who deleted each of their guides, or some of them, some of whom lost them anyway
        db.execute("UPDATE follow SET deleted_by_customer_at = 1 WHERE customer_id % 40 IN (7, 8)")
        db.execute("UPDATE follow SET status = 'active' WHERE customer_id % 40 = 7")
        db.execute("UPDATE follow SET status = 'handed_over' WHERE id % 17 = 0")
        db.execute("UPDATE follow SET createtime = 5 WHERE customer_id % 40 = 9")  # at one moment
        db.execute("UPDATE staff SET name = '' WHERE id % 5 = 0")
        db.execute("DELETE FROM follow WHERE customer_id % 100 = 33")
    yield folder, chain
    chain.db.close()


@pytest.fixture
def core(chain_home, frozen, monkeypatch):
    """What the screens read through."""
    from storeops.app import App

    monkeypatch.setenv("STOREOPS_HOME", str(chain_home[0]))
    with contextlib.closing(App.open("chain", readonly=True)) as app:
        yield app


def test_all_say_the_same_of_every_customer(ask, core, tmp_path):
    import pyarrow.parquet

    from storeops.reading import customers
    from storeops.reading.filter_words import label
    from tui.customer_repository import Look
    from tui.mirror_customers import MirrorCustomers

    listed = ask("customer", "list", "--all", "--json").json["items"]
    assert len(listed) == CUSTOMERS
    seen = Counter(each["status"] for each in listed)
    assert set(seen) == set(EVERY), seen
    for kind in ("csv", "ndjson", "xlsx", "parquet"):
        path = tmp_path / f"all.{kind}"
        assert ask("customer", "export", str(path), "--raw", "--json").json["rows"] == CUSTOMERS
    lines = ask("customer", "list", "--all", "--ndjson").out.splitlines()
    said = {
        "list": [_of(each) for each in listed],
        "list --ndjson": [_of(json.loads(line)) for line in lines],
        "list --csv": [
            _of_cells(each) for each in _csv(ask("customer", "list", "--all", "--csv").out)
        ],
        "card": [
            _of(customers.show_customer(core.data, each["external_userid"], now=0))
            for each in listed
        ],
        "NDJSON": [
            _of(json.loads(line))
            for line in (tmp_path / "all.ndjson").read_text("utf-8").splitlines()
        ],
        "CSV": [_of_cells(each) for each in _csv((tmp_path / "all.csv").read_text("utf-8"))],
        "XLSX": [_of_cells(each) for each in _sheet(tmp_path / "all.xlsx")],
        "Parquet": [
            _of_cells(each)
            for each in pyarrow.parquet.read_table(tmp_path / "all.parquet").to_pylist()
        ],
    }
    for name, found in said.items():
        assert len(found) == CUSTOMERS, name
        wrong = [(a, b) for a, b in zip(said["list"], found, strict=True) if a != b]
        assert not wrong, (name, len(wrong), wrong[:2])

    # for people: the same in their words
    wanted = [
        (each["external_userid"], label("status", each["status"]),
         [who["staff_name"] or who["userid"] for who in each["follows"]])
        for each in listed
    ]  # fmt: skip
    look = Look(columns=("external_userid", "status", "owner"))
    assert [each.cells for each in MirrorCustomers(core).rows(look).window(0, CUSTOMERS).lines] == [
        (key, status, (who[0] + (f" +{len(who) - 1}" if len(who) > 1 else "")) if who else "-")
        for key, status, who in wanted
    ]
    shown = ask("customer", "list", "--all", "--no-header").out.splitlines()
    for line, (key, status, _who) in zip(shown, wanted, strict=True):
        assert line.rstrip().endswith(key), line
        assert status in line, line
    for kind in ("csv", "xlsx"):
        ask("customer", "export", str(tmp_path / f"people.{kind}"))
    for rows in (
        _csv((tmp_path / "people.csv").read_text("utf-8")), _sheet(tmp_path / "people.xlsx")
    ):  # fmt: skip
        assert [(each["Customer id"], each["Status"]) for each in rows] == [
            (key, status) for key, status, _who in wanted
        ]


@pytest.mark.parametrize("sort", ["oldest", "name"])
def test_all_have_the_same_order(ask, core, tmp_path, sort):
    from tui.customer_repository import Look
    from tui.mirror_customers import MirrorCustomers

    listed = ask("customer", "list", "--all", "--sort", sort, "--json").json["items"]
    keys = [each["external_userid"] for each in listed]
    assert len(set(keys)) == CUSTOMERS
    look = Look(sort=sort, columns=("external_userid",))
    assert [(key,) for key in keys] == [
        each.cells for each in MirrorCustomers(core).rows(look).window(0, CUSTOMERS).lines
    ]
    for kind in ("csv", "ndjson", "xlsx"):
        ask("customer", "export", str(tmp_path / f"all.{kind}"), "--sort", sort, "--raw")
    lines = (tmp_path / "all.ndjson").read_text("utf-8").splitlines()
    for rows in (
        _csv((tmp_path / "all.csv").read_text("utf-8")),
        _sheet(tmp_path / "all.xlsx"),
        map(json.loads, lines),
    ):
        assert [each["external_userid"] for each in rows] == keys


def test_cards_of_command_and_screen_say_what_the_list_says(ask, core):
    from storeops.reading.filter_words import label
    from tui.customer_card import card

    listed = ask("customer", "list", "--all", "--json").json["items"]
    chosen = {each["status"]: each for each in listed if len(each["follows"]) != 1}
    assert set(chosen) == set(EVERY)
    for each in chosen.values():
        shown = ask("customer", "show", each["external_userid"], "--json").json
        assert _of(shown) == _of(each)
        drawn = card(core, each["external_userid"]).plain
        assert label("status", each["status"]) in drawn
        owners = [(who["staff_name"] or who["userid"], who["store"]) for who in each["follows"]]
        heads = [drawn.index(" · ".join(filter(None, owner))) for owner in owners]
        assert heads == sorted(heads)


def test_the_filter_finds_whom_the_status_names(ask):
    """What a row says can be asked for: `status:` finds at least those who are shown so."""
    listed = ask("customer", "list", "--all", "--json").json["items"]
    for status in EVERY:
        found = ask("customer", "list", "--all", "--json", "--status", status).json["items"]
        named = {each["external_userid"] for each in listed if each["status"] == status}
        if status == "lost":  # of whom nobody has a follow any more there is no status to find
            named -= {each["external_userid"] for each in listed if not each["follows"]}
        assert named
        assert named <= {each["external_userid"] for each in found}, status


def _of(row):
    """Id, status, owners, their shops and statuses, of a row with its follows."""
    return (
        row["external_userid"],
        row["status"],
        [each["userid"] for each in row["follows"]],
        [each["staff_name"] for each in row["follows"]],
        [each["store"] for each in row["follows"]],
        [each["status"] for each in row["follows"]],
    )


def _of_cells(row):
    """The same, of a row with one cell for all follows."""
    userids = row["userid"].split("; ") if row["userid"] else []
    more = [
        (row[name] or "").split("; ") if userids else []
        for name in ("staff_name", "store", "follow_status")
    ]
    return (row["external_userid"], row["status"], userids, *more)


def _csv(text):
    return list(csv.DictReader(io.StringIO(text)))


def _sheet(path):
    from python_calamine import CalamineWorkbook

    head, *body = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return [dict(zip(head, row, strict=True)) for row in body]
