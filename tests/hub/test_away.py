"""What a shop has when the server, head office or an answer was away at the wrong moment."""

from __future__ import annotations

import json
import shutil
import time
from typing import Any

import pytest

from storeops.errors import NetworkError
from storeops.hub import (
    arriving,
    following,
    outbox,
    publishing,
    revoking,
    rights,
    server,
    state,
    stores,
)
from storeops.hub.pulling import ShopPull
from tests.conftest import Cli
from tests.hub.conftest import CODES, Chain
from tests.hub.test_rights import inside
from tests.hub.test_truth import must_agree, rows

SHOP = CODES[1]


def lose_a_customer(chain: Chain) -> int:
    """One of the shop's own customers, who is nobody's any more."""
    (gone,) = rows(
        chain.office,
        "SELECT max(f.customer_id) FROM follow AS f JOIN customer AS c ON c.id = f.customer_id"
        " WHERE f.store_id = ?"
        " AND c.external_userid NOT IN (SELECT external_userid FROM unassigned)",
        chain.files[SHOP].store,
    )[0]
    assert rows(chain.backs[SHOP], "SELECT 1 FROM customer WHERE id = ?", gone)
    with chain.office.data.atomic() as connection:
        connection.execute("DELETE FROM follow WHERE customer_id = ?", (gone,))
    return int(gone)


def add_again(chain: Chain) -> None:
    chain.join(*stores.add(chain.office.data, SHOP, time.time()))


def test_an_answer_to_a_shop_that_was_added_again_may_be_lost(chain: Chain) -> None:
    """It is filled anew all the same, for nobody told it meanwhile who left."""
    chain.settle()
    shop = stores.find(chain.office.data, SHOP)
    stores.revoke(chain.office.data, shop, time.time())
    revoking.refuse_now(chain.office, shop.department_id)
    gone = lose_a_customer(chain)
    chain.published()
    add_again(chain)
    chain.published()
    back = chain.backs[SHOP].data
    greeting = {
        "stream": arriving.follow_state(back).stream,
        "epoch": state.read(back.connection, "epoch"),
    }

    async def greet(client: Any, _heard: list[str]) -> dict[str, Any]:
        subject = rights.hello_subject(shop.department_id)
        answer = await client.request(subject, json.dumps(greeting).encode(), timeout=10)
        told: dict[str, Any] = json.loads(answer.data)
        return told

    lost = inside(chain.files[SHOP], greet)
    assert lost["refill"]
    report = following.follow(chain.backs[SHOP], once=True)
    assert report.refilled
    assert not rows(chain.backs[SHOP], "SELECT 1 FROM customer WHERE id = ?", gone)
    assert not following.follow(chain.backs[SHOP], once=True).refilled
    must_agree(chain)


def test_a_shop_revoked_while_the_server_was_away_leaves_nothing_there(chain: Chain) -> None:
    """What it had is not kept for it at the server, and is not given to it when it is added
    again."""
    chain.settle()
    shop = stores.find(chain.office.data, SHOP)
    chain.rest()
    stores.revoke(chain.office.data, shop, time.time())
    with pytest.raises(NetworkError):
        revoking.refuse_now(chain.office, shop.department_id)
    gone = lose_a_customer(chain)
    add_again(chain)
    chain.serve()
    chain.settle()
    assert not rows(chain.backs[SHOP], "SELECT 1 FROM customer WHERE id = ?", gone)
    must_agree(chain)


def test_what_the_first_batch_published_is_known_after_a_crash(chain: Chain) -> None:
    """Head office was killed before it noted anything as published; who leaves then leaves."""
    chain.settle()
    chain.rest()
    gone = lose_a_customer(chain)
    with chain.office.data.atomic() as connection:
        publishing.note_kept(connection, {rights.part(chain.files[SHOP].store): 0})
        connection.execute("DELETE FROM hub_published WHERE store = ?", (chain.files[SHOP].store,))
        outbox.note_all(connection, chain.files[SHOP].store, time.time())
    chain.serve()
    chain.settle()
    assert not rows(chain.backs[SHOP], "SELECT 1 FROM customer WHERE id = ?", gone)
    must_agree(chain)


def test_streams_put_back_from_an_older_copy_bring_nobody_back(chain: Chain) -> None:
    """A server that lost its power, or its newest files, has again what a shop has no longer."""
    chain.settle()
    chain.rest()
    streams = chain.home / "data" / "office" / "hub" / "stream"
    older = chain.home / "older"
    shutil.copytree(streams, older)
    chain.serve()
    gone = lose_a_customer(chain)
    chain.settle()
    assert not rows(chain.backs[SHOP], "SELECT 1 FROM customer WHERE id = ?", gone)
    chain.rest()
    shutil.rmtree(streams)
    older.rename(streams)
    chain.serve()
    chain.settle()
    assert not rows(chain.backs[SHOP], "SELECT 1 FROM customer WHERE id = ?", gone)
    must_agree(chain)


def test_a_shop_catches_up_while_head_office_is_away(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    """The server still gives it what was published; whether that is all, head office says later."""
    chain.settle()
    back = chain.backs[SHOP]
    before = arriving.follow_state(back.data)
    with chain.office.data.atomic() as connection:
        connection.execute("UPDATE customer SET name = 'away ' || id")
    chain.published()
    kept: list[server.ServerProcess] = []
    with monkeypatch.context() as patched:
        patched.setattr(server.ServerProcess, "stop", lambda self: kept.append(self))
        chain.rest()
    fetch = ShopPull.fetch
    lost = []

    async def lossy(*args: Any) -> list[Any] | None:
        messages = await fetch(*args)
        if messages and not lost:
            lost.append(messages.pop(0))
        return messages

    with monkeypatch.context() as patched:
        patched.setattr(ShopPull, "fetch", lossy)
        report = following.follow(back, once=True)
    assert (report.greeted, report.away, len(lost)) == (False, True, 1)
    assert report.things > 10
    old = "SELECT count(*) FROM customer WHERE name NOT LIKE 'away %'"
    assert rows(back, old) == [(1,)]
    here = arriving.follow_state(back.data)
    assert (here.stream, here.caught_up_at) == (before.stream, before.caught_up_at)
    assert before.word_at is None
    assert time.time() - 60 < (here.word_at or 0) <= time.time()
    told = cli("--profile", f"shop-{SHOP}", "hub", "follow", "--once", "--json")
    assert (told.json["things"], told.json["head_office"]) == (0, False)
    assert told.json["last_word_at"]
    assert "its last word" in told.err
    kept[0].stop()
    with back.data.atomic() as connection:  # not just now
        state.write(connection, "caught_up_at", (before.caught_up_at or 0) - 60)
    listed = cli("--profile", f"shop-{SHOP}", "customer", "list", "--limit", "1")
    assert "some of what it said until" in listed.err
    chain.serve()
    must_agree(chain)
    assert arriving.follow_state(back.data).word_at is None


def test_what_a_server_took_along_is_asked_of_it_again(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of a cluster that ends leaves requests without an answer: a greeting has its own."""
    from nats.errors import TimeoutError as NoAnswer
    from nats.js.manager import JetStreamManager

    chain.settle()
    ask = JetStreamManager._api_request
    lost: list[str] = []

    async def lossy(self: JetStreamManager, subject: str, *args: Any, **options: Any) -> Any:
        word = subject.split(".")[3]
        if subject.startswith("$JS.API.CONSUMER.") and word != "LIST" and word not in lost:
            lost.append(word)
            raise NoAnswer
        return await ask(self, subject, *args, **options)

    monkeypatch.setattr(JetStreamManager, "_api_request", lossy)
    assert following.follow(chain.backs[SHOP], once=True).greeted
    assert len(lost) == 2


def test_who_left_leaves_though_everything_is_published_once_more(chain: Chain) -> None:
    """`hub republish` while a change waits, and nobody serves."""
    chain.settle()
    chain.rest()
    gone = lose_a_customer(chain)
    tag = rows(chain.office, "SELECT id FROM tag")[0][0]
    with chain.office.data.atomic() as connection:
        connection.execute("DELETE FROM follow_tag WHERE tag_id = ?", (tag,))
        connection.execute("DELETE FROM tag WHERE id = ?", (tag,))
    stores.note_everything(chain.office.data, time.time())
    chain.serve()
    chain.settle()
    assert not rows(chain.backs[SHOP], "SELECT 1 FROM customer WHERE id = ?", gone)
    assert not rows(chain.backs[SHOP], "SELECT 1 FROM tag WHERE id = ?", tag)
    must_agree(chain)
