"""Columns that domains bring are read for whom they are shown, and for nobody else."""

import contextlib
import io

import pytest

from storeops.domains.export.export import export_customers
from storeops.reading.customers import rows_of
from storeops.reading.query import FACETS, CustomerQuery
from tui.customer_lines import CustomerLines
from tui.customer_repository import Look
from tui.mirror_customers import MirrorCustomers

BROUGHT = ("orders", "spent_fen", "last_order", "segment")


@pytest.fixture
def core(chain_home, frozen, monkeypatch):
    from storeops.app import App

    monkeypatch.setenv("STOREOPS_HOME", str(chain_home[0]))
    with contextlib.closing(App.open("chain", readonly=True)) as app:
        yield app


@pytest.fixture
def asked(core):
    """Statements about purchases, as they are made."""
    found = []
    core.data.connection.set_trace_callback(
        lambda sql: found.append(sql) if "orders_customer" in sql else None
    )
    return found


@pytest.mark.parametrize("wanted", [None, (), ("name",), ("orders",), ("segment", "orders")])
def test_rows_have_the_columns_that_were_asked_for(core, asked, wanted):
    (row,) = rows_of(core.data, columns=wanted).load([1])
    has = [each for each in BROUGHT if each in row]
    assert has == [each for each in BROUGHT if wanted is None or each in wanted]
    assert bool(asked) == bool(has)
    assert row["follows"]  # what is no domain's is always there


@pytest.mark.parametrize("columns", [(), ("name", "orders")])
def test_the_list_reads_what_it_shows(core, asked, columns):
    look = Look(columns=columns)
    assert len(MirrorCustomers(core).rows(look).window(0, 50).lines) == 50
    assert len(asked) == len({"orders"} & {*columns})


@pytest.mark.parametrize("fields", [("name", "store"), ("orders", "name", "segment"), ()])
def test_an_export_reads_what_it_writes(core, asked, fields, tmp_path):
    out, query = io.StringIO(), CustomerQuery(core.data, now=0)
    export_customers(core.data, query, "-", out, fields=fields)
    heading = out.getvalue().splitlines()[0].split(",")
    assert tuple(heading) == fields or (not fields and {*BROUGHT} < {*heading})
    assert bool(asked) == any(each in heading for each in BROUGHT)


def test_whom_nobody_follows_has_come_no_way():
    """Not the way that WeCom calls unknown: there is nothing of which to know it."""
    lines = CustomerLines(("name", "follows", "way", "added", "remark", "owner", "store", "tags"))
    line = lines.line(7, {"name": "", "follows": [], "status": "lost", "external_userid": "wm7"})
    assert line.cells == ("(no name)", "0", "", "", "", "-", "", "")
    assert (line.key, line.data, line.tone) == (7, "wm7", "gone")


def test_conditions_of_our_own_load_no_domain(core, monkeypatch):
    """Those of domains are loaded when one of them is asked for."""
    from storeops.domain import Registry, registry
    from storeops.reading.conditions import conditions, words

    for kept in (conditions, words):
        kept.cache_clear()
    theirs = {where for _domain, where in registry().named("conditions").values()}
    loaded, load = set(), Registry.loaded

    def spy(self, domain, where, kind=object):
        loaded.update({where} & theirs)
        return load(self, domain, where, kind)

    monkeypatch.setattr(Registry, "loaded", spy)
    where = "status:active has:phone since:2020 owners:>0 !type:wecom state:x*"
    query = CustomerQuery(core.data, where, now=0)
    query.count()
    for facet in FACETS:
        query.facet(facet)
    assert not loaded
    CustomerQuery(core.data, "orders:>0", now=0).count()
    assert loaded == theirs
