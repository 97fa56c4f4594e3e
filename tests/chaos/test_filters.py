"""The long drill of the filter language (`make chaos`): CHAOS_TREES random filters (3,000).

Each is read in one order, page by page, counted, listed and faceted, in one of the ways that the
size of a mirror would choose, and compared with the slow reading of tests/query/conftest.py.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from storeops.errors import UsageError
from storeops.reading.filter import Node, conjunction, disjunction, negation, parse
from storeops.reading.query import FACETS, SORTS
from tests.query.conftest import Slow, make_chain
from tests.query.test_query import COLUMNS, CONDITIONS, GATHER, GIVE_UP, WALK, ask, assume

TREES = int(os.environ.get("CHAOS_TREES", "3000"))
SEED = int(os.environ.get("CHAOS_SEED", "7"))
WAYS: dict[str, dict[str, float]] = {
    "as it is": {}, "walk": WALK, "gather": GATHER, "give up": GIVE_UP, "columns": COLUMNS,
}  # fmt: skip


def tree(dice: random.Random, depth: int = 0) -> Node:
    pick = dice.random()
    if depth > 2 or pick < 0.4:
        return parse(dice.choice(CONDITIONS))
    if pick < 0.55:
        return negation(tree(dice, depth + 1))
    parts = [tree(dice, depth + 1) for _ in range(dice.choice((2, 2, 3)))]
    return (conjunction if pick < 0.85 else disjunction)(parts)


@pytest.mark.timeout(3600)
def test_no_filter_answers_otherwise_than_the_slow_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(SEED)
    chain = make_chain(tmp_path / "data.db", customers=250, seed=SEED)
    slow = Slow(chain)
    wrong, refused = [], 0
    for _number in range(TREES):
        node = tree(dice)
        way, sort = dice.choice([*WAYS]), dice.choice(SORTS)
        expected = slow.order(node, sort)
        with monkeypatch.context() as patch:
            assume(patch, WAYS[way])
            try:
                query = ask(chain, node, sort=sort)
            except UsageError:
                refused += 1  # more than 64 alternatives
                continue
            size, seen, after = dice.choice((7, 40, 1000)), [], None
            while True:
                page = query.page(after, size)
                seen += page.ids
                after = page.next
                if after is None:
                    break
            counted = {name: query.facet(name, 999) for name in FACETS}
            same = seen == expected and sorted(query.ids()) == sorted(expected)
            same = same and query.count().rows == len(expected)
        plain = ask(chain, node)
        same = same and counted == {name: plain.facet(name, 999) for name in FACETS}
        if not same:
            wrong.append((way, sort, query.text))
    chain.db.close()
    print(f"\n{TREES} filters, {refused} refused, {len(wrong)} wrong")
    assert not wrong
