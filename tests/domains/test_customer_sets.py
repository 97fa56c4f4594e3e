"""Sets of customers kept at hand say what the tables say, whatever changes after they were made."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from storeops.domains.orders import customer_sets, value
from storeops.domains.orders.importing import OrderRequest, import_orders
from storeops.mirror import column_store
from storeops.reading import query
from storeops.reading.query import CustomerQuery

HEAD = "order_no,paid_at,phone,shop,channel,code,quantity,amount,original\n"
PRODUCTS = {"A": "phones", "B": "phones/5G", "C": "phones/5G/pro", "D": "fresh/milk", "E": "",
            "F": "phonesX", "fresh": "parts"}  # fmt: skip
NOW = 1_780_000_000.0
FILTERS = (
    "bought:phones", "bought:phones/5G", "bought:fresh", "bought:fresh/milk", "bought:A",
    "bought:no", "!bought:phones", "bought:phones,fresh", "bought:phones shop-bought:N1",
    "channel:till", "channel:web,till", "shop-bought:N9", "segment:champion",
    "!segment:dormant channel:web",
)  # fmt: skip


@pytest.fixture
def shop(chain, monkeypatch, cli):
    monkeypatch.setattr(column_store, "small", lambda _db: False)
    monkeypatch.setattr(query, "FEW_COUNTED", -1)
    monkeypatch.setattr(customer_sets, "LEAST_OF_CATEGORY", 0)
    for number in range(30):
        chain.person(f"p{number}", f"138000000{number:02d}")
    rows = "".join(f"{code},{code},{path}\n" for code, path in PRODUCTS.items())
    assert cli("product", "import", chain.file("code,name,category\n" + rows)).code == 0
    return chain


def take(chain, rows):
    path, now = chain.file(HEAD + "\n".join(rows) + "\n"), chain.at("2026-05-21")
    assert not import_orders(chain.db, OrderRequest("till", path), now).problems


def buy(chain, dice, start, count):
    take(chain, [
        f"S{number},2026-05-{dice.randint(1, 20):02d} 10:00,138000000{dice.randrange(30):02d},"
        f"N{dice.randrange(3)},{dice.choice(('till', 'web'))},{dice.choice(list(PRODUCTS))},1,"
        f"{dice.randint(1, 500)},"
        for number in range(start, start + count)
    ])  # fmt: skip


def answers(db):
    counts = {text: CustomerQuery(db, text, now=NOW).count().rows for text in FILTERS}
    facets = {
        (name, text): sorted(map(repr, CustomerQuery(db, text, now=NOW).facet(name)))
        for name in ("channel", "shop-bought", "segment")
        for text in ("", "bought:phones")
    }
    return counts, facets


class _GoBackError(Exception):
    pass


def same_without(db):
    """What is answered, which must be the same without any set."""
    found = answers(db)
    with suppress(_GoBackError), db.atomic() as connection:
        customer_sets.drop(connection)
        assert answers(db) == found
        raise _GoBackError
    return found


def test_they_say_what_the_tables_say(shop, cli, monkeypatch):
    db, dice = shop.db, random.Random(7)
    buy(shop, dice, 0, 40)
    value.run_value(db, shop.at("2026-05-21"))
    size = db.execute("SELECT count(*) FROM orders_set WHERE what = 'category'").fetchone()[0]
    assert size == 7  # phones, phones/5G, phones/5G/pro, fresh, fresh/milk, phonesX, parts
    first = same_without(db)
    assert first[0]["bought:phones"] > first[0]["bought:phones/5G"] > 0
    asked = []
    real = customer_sets.mask
    monkeypatch.setattr(customer_sets, "mask", lambda *how: asked.append(real(*how)) or asked[-1])
    CustomerQuery(db, "bought:phones", now=0).count()
    assert asked[0] is not None
    buy(shop, dice, 100, 25)  # bought since
    shop.person("late", "13800000099")
    take(shop, ["L1,2026-05-20 10:00,13800000099,N9,web,D,1,5,"])
    assert db.execute("SELECT count(*) FROM orders_changed").fetchone()[0] > 5
    second = same_without(db)
    assert second != first
    external = f"wm{'p3':x<30}"
    assert cli("audit", "erase", external, "--yes").code == 0
    same_without(db)
    assert cli("order", "forget", "till", "--yes").code == 0
    assert value.run_value(db, shop.at("2026-05-21")).customers == 0
    assert set(same_without(db)[0].values()) == {0, 30}
    buy(shop, dice, 200, 40)
    value.run_value(db, shop.at("2026-05-21"))
    assert cli("product", "import", shop.file("code,name,category\nA,A,tea\n")).code == 0
    assert same_without(db)[0]["bought:phones"] < 30  # another category
    monkeypatch.setattr(customer_sets, "MOST_CHANGED", 3)
    buy(shop, dice, 300, 20)
    assert db.execute("SELECT count(*) FROM orders_set").fetchone()[0] == 0
    answers(db)
