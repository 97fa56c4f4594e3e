"""Conditions that exclude each other leave nobody, and say so soon; others stay what they said."""

import pytest

from storeops.reading.filter_names import Names
from storeops.reading.query import CustomerQuery

NEVER = [
    "since:2026-02 until:2026-01",
    "way:scan way:card",
    "state:store1 state:expo",
    "state:store* state:expo",
    "status:active status:lost",
    "@guide.1 @guide.2",
    "store:10 store:11",
    "owners:>2 owners:1",
    "status:active owners:0",
    "#金卡 !#金卡",
    "#金卡 !has:tag",
    "state:expo !has:state",
    "state:store1 !state:store*",
    "王 !王",
    "until:2026-01 !until:2026-03",
    "since:2026-03 !since:2026-01",
    "type:wecom type:wechat",
]
SOMETIMES = [
    "way:scan way:scan,card",
    "state:store* state:store1",
    "#金卡 #银卡",
    "status:active status:active,lost",
    "status:active status:deleted",
    "#金卡 !#银卡",
    "owners:>1 owners:<3",
    "status:lost !status:active",
    "since:2026-01 !since:2026-03",
]


def ask(chain, text):
    return CustomerQuery(chain.db, text, names=Names(chain.db.connection), now=chain.now)


@pytest.mark.parametrize("text", NEVER)
def test_what_cannot_be_is_nobody(chain, text):
    query = ask(chain, text)
    assert query.page().ids == []
    assert query.count().rows == 0
    assert query.facet("owner") == []
    assert list(query.ids()) == []


@pytest.mark.parametrize("text", SOMETIMES)
def test_what_may_be_is_read(chain, text):
    query = ask(chain, text)
    assert query.page().ids
