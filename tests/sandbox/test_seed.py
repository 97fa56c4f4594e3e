"""The invented chain: exact in its numbers, the same by seed, believable, and full of traps."""

import json
from collections import Counter
from pathlib import Path

import pytest

from storeops.sandbox import fixtures
from storeops.sandbox.clock import Clock
from storeops.sandbox.export import TABLES
from storeops.sandbox.people import nasty_nicknames
from storeops.sandbox.seed import build

NOW = 1_800_000_000


def _chain(seed=7, stores=20, staff=100, follows=3000):
    return build(seed, stores, staff, follows, Clock(NOW))


@pytest.fixture(scope="module")
def chain():
    return _chain()


def _rows(corp, table):
    return list(TABLES[table](corp))


def test_the_numbers_are_as_asked_for(chain):
    staff = _rows(chain, "staff")
    assert sum(not m["left_at"] for m in staff) == 100
    assert sum(r["listed"] for r in _rows(chain, "follows")) == 3000
    stores = [d for d in _rows(chain, "departments") if "店" in d["name"]]
    assert len(stores) == 20
    assert len({d["name"] for d in stores}) == 20


@pytest.mark.parametrize(
    ("stores", "staff", "follows"), [(1, 2, 0), (1, 3, 0), (2, 3, 5), (5, 6, 1)]
)
def test_tiny_chains(stores, staff, follows):
    corp = _chain(1, stores, staff, follows)
    listed = sum(r["listed"] for r in _rows(corp, "follows"))
    assert listed == (follows if staff > 2 else 0)


def test_the_same_seed_gives_the_same_chain():
    one, two, other = _chain(3), _chain(3), _chain(4)
    for table in TABLES:
        assert _rows(one, table) == _rows(two, table)
    assert _rows(one, "follows") != _rows(other, "follows")
    assert one.corp_id == two.corp_id != other.corp_id
    assert one.apps[1000002].secret == two.apps[1000002].secret != other.apps[1000002].secret


@pytest.mark.parametrize(
    "shape", [{"stores": 0}, {"staff": 1}, {"follows": -1}, {"follows": 9_000_000}]
)
def test_impossible_shapes(shape):
    with pytest.raises(ValueError, match="must be between"):
        _chain(**shape)


def test_leavers_with_customers_one_beyond_a_year(chain):
    rows = _rows(chain, "unassigned")
    left = {m["userid"]: m for m in _rows(chain, "staff") if m["left_at"]}
    owners = {g["owner"] for g in _rows(chain, "groups")}
    empty = set(left) - {r["handover_userid"] for r in rows}
    assert len(empty) == 1
    assert empty < owners
    ages = sorted({(NOW - r["dimission_time"]) // 86_400 for r in rows})
    assert ages[0] < 10
    assert ages[-1] > 365


def test_names_follow_real_frequencies(chain):
    surnames = Counter(m["name"][0] for m in _rows(_chain(1, 50, 2000, 0), "staff"))
    common = [name for name, _ in surnames.most_common(6)]
    assert len({"王", "李", "张", "刘", "陈"} & set(common)) >= 4
    assert len(surnames) > 60


def test_relations_are_believable(chain):
    rows = _rows(chain, "follows")
    per_customer = Counter(r["external_userid"] for r in rows)
    shared = sum(count > 1 for count in per_customer.values())
    assert 0.05 < shared / len(per_customer) < 0.25
    assert len({(r["userid"], r["external_userid"]) for r in rows}) == len(rows)
    share = {
        name: sum(bool(r[name]) for r in rows) / len(rows)
        for name in ("remark", "description", "remark_mobiles", "tag_id", "state", "personal_tags")
    }
    assert 0.4 < share["remark"] < 0.7
    assert 0.05 < share["description"] < 0.25
    assert 0.1 < share["remark_mobiles"] < 0.35
    assert 0.5 < share["tag_id"] < 0.9
    assert 0.1 < share["state"] < 0.6
    assert 0.01 < share["personal_tags"] < 0.08
    assert all(r["createtime"] < NOW for r in rows)
    assert all(len(r["remark"]) <= 20 for r in rows)
    customers = _rows(chain, "customers")
    assert {c["gender"] for c in customers} == {0, 1, 2}
    assert 0 < sum(c["type"] == 2 for c in customers) < len(customers) * 0.06
    busy = Counter(r["userid"] for r in rows if r["status"] == "active")
    holders = [m for m in _rows(chain, "staff") if m["customer_contact"] and not m["left_at"]]
    assert any(m["userid"] not in busy for m in holders)
    assert any(r["deleted_by_customer_at"] for r in rows)


def test_tags_are_owned_by_app_and_console(chain):
    owners = {t["owner"] for t in _rows(chain, "tags")}
    assert owners == {0, 1000002}


def test_groups_have_members_and_strangers(chain):
    groups = _rows(chain, "groups")
    assert len(groups) >= 20
    customers = {c["external_userid"] for c in _rows(chain, "customers")}
    external = [m["userid"] for g in groups for m in g["members"] if m["type"] == 2]
    assert len(external) > 100
    assert any(e not in customers for e in external)
    assert any(g["status"] == 1 for g in groups)


def test_every_nasty_nickname_is_somebodys(chain):
    names = {c["name"] for c in _rows(chain, "customers")}
    assert set(nasty_nicknames()) <= names
    assert any(r["remark"] in names for r in _rows(chain, "follows"))


def test_the_nasty_nicknames_cover_what_hurts():
    rows = fixtures.load("nicknames.json")
    text = {row["id"]: row["name"] for row in rows}
    assert len(rows) >= 20
    assert len(set(text.values())) == len(rows)
    every = "".join(text.values())
    for trap in ("\x1b[", "\x00", "\u202e", "[bold", "\n", "\u200d", '"', "'", ";"):
        assert trap in every
    assert any(name.startswith(sign) for sign in "=+-@\t" for name in text.values())
    assert any(ord(c) > 0xFFFF for c in text["rare_hanzi"])
    assert sum(2 if ord(c) > 0x2E80 else 1 for c in text["forty_cells"]) == 40


def test_fixtures_are_found_in_the_package_or_beside_it(tmp_path, monkeypatch):
    home = tmp_path / "storeops" / "sandbox"
    home.mkdir(parents=True)
    monkeypatch.setattr(fixtures, "__file__", str(home / "fixtures.py"))
    with pytest.raises(FileNotFoundError, match="neither"):
        fixtures.load("x.json")
    beside = tmp_path / "fixtures"
    beside.mkdir()
    Path(beside / "x.json").write_text(json.dumps([1]))
    assert fixtures.load("x.json") == [1]
    packaged = tmp_path / "storeops" / "_fixtures"
    packaged.mkdir()
    Path(packaged / "x.json").write_text(json.dumps([2]))
    assert fixtures.load("x.json") == [2]
