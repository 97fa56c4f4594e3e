"""A back office's mirror is what head office's mirror says of that shop, row for row.

What it should be is asked here by other SQL than the hub's own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import pytest

from storeops.errors import NetworkError
from storeops.hub import (
    arriving,
    checks,
    credentials,
    following,
    outbox,
    publishing,
    rights,
    server,
    state,
    stores,
)
from storeops.hub.office_line import office_connection
from storeops.hub.pulling import ShopPull
from storeops.reading import freshness
from tests.hub.conftest import CODES, Chain

PLAIN = ("customer", "follow", "follow_tag", "staff", "group_chat", "group_member")


def rows(app: Any, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return sorted(app.data.execute(sql, values).fetchall(), key=repr)


def columns(app: Any, table: str, but: tuple[str, ...] = ()) -> str:
    found = [row[1] for row in app.data.execute(f"PRAGMA table_info({table})")]
    return ", ".join(each for each in found if each not in but)


def expected(chain: Chain, shop: int) -> dict[str, list[tuple[Any, ...]]]:
    """Every table of a shop, from head office's mirror; the chain's shops have nothing below."""
    office_ = chain.office
    mine = (
        "SELECT customer_id FROM follow WHERE store_id = ? GROUP BY customer_id"
        " HAVING sum(status <> 'handed_over') > 0"
    )
    follow = f"SELECT id FROM follow WHERE store_id = {shop} AND customer_id IN ({mine})"
    staff = f"SELECT userid FROM staff WHERE main_department = {shop}"
    found = {
        "customer": rows(
            office_,
            f"SELECT {columns(office_, 'customer', ('createtime',))} FROM customer"
            f" WHERE id IN ({mine})",
            shop,
        ),
        "follow": rows(
            office_, f"SELECT {columns(office_, 'follow')} FROM follow WHERE id IN ({follow})", shop
        ),
        "follow_tag": rows(
            office_,
            f"SELECT {columns(office_, 'follow_tag')} FROM follow_tag"
            f" WHERE follow_id IN ({follow})",
            shop,
        ),
        "staff": rows(
            office_,
            f"SELECT {columns(office_, 'staff')} FROM staff WHERE main_department = ?",
            shop,
        ),
        "group_chat": rows(
            office_,
            f"SELECT {columns(office_, 'group_chat')} FROM group_chat"
            f" WHERE owner_userid IN ({staff})",
        ),
        "group_member": rows(
            office_,
            f"SELECT {columns(office_, 'group_member')} FROM group_member WHERE group_id IN"
            f" (SELECT id FROM group_chat WHERE owner_userid IN ({staff}))",
        ),
        "unassigned": rows(office_, f"SELECT * FROM unassigned WHERE handover_userid IN ({staff})"),
    }
    for table in ("tag", "tag_group"):
        found[table] = rows(office_, f"SELECT {columns(office_, table)} FROM {table}")
    return found


def held(app: Any) -> dict[str, list[tuple[Any, ...]]]:
    found = {
        table: rows(
            app,
            f"SELECT {columns(app, table, ('createtime',) if table == 'customer' else ())}"
            f" FROM {table}",
        )
        for table in PLAIN
    }
    for table in ("unassigned", "tag", "tag_group"):
        found[table] = rows(app, f"SELECT {columns(app, table)} FROM {table}")
    return found


def must_agree(chain: Chain) -> None:
    chain.settle()
    for code, shop in zip(CODES, chain.departments, strict=True):
        back = chain.backs[code]
        wanted, there = expected(chain, shop), held(back)
        assert there.keys() == wanted.keys()
        for table in wanted:
            assert there[table] == wanted[table], (code, table)
        assert rows(back, "SELECT DISTINCT store_id FROM follow") == [(shop,)]
        assert not checks.differences(chain.office.data, shop)
        elsewhere = rows(
            chain.office,
            "SELECT customer_id, count(*) FROM follow WHERE store_id <> ? AND status = 'active'"
            " AND customer_id IN (SELECT customer_id FROM follow WHERE store_id = ?"
            " GROUP BY customer_id HAVING sum(status <> 'handed_over') > 0) GROUP BY customer_id",
            shop, shop,
        )  # fmt: skip
        assert rows(back, "SELECT customer_id, follows FROM hub_elsewhere") == elsewhere


def test_first_fill(chain: Chain) -> None:
    must_agree(chain)
    for back in chain.backs.values():
        assert rows(back, "SELECT count(*) FROM customer")[0][0] > 10
        then = freshness.read(back.data, back.clock.now())
        assert then.complete
        assert then.as_of == freshness.read(chain.office.data, time.time()).as_of


def test_a_day_of_the_chain(chain: Chain) -> None:
    """Tags, names, a move, a leaver, a handover, a new customer: one sync, and the shops follow."""
    act = chain.sandbox.control.act
    one, two = chain.departments
    staff = rows(chain.office, "SELECT userid FROM staff WHERE main_department = ?", one)
    mover = staff[0][0]
    for _each in range(4):
        act("tag_mark")
        act("customer_rename")
        act("remark_edit")
        act("customer_new")
    act("tag_rename")
    act("follow_delete")
    act("staff_move", userid=mover, department=two)
    act("staff_leave", userid=staff[-1][0])
    chain.sync()
    must_agree(chain)
    moved = rows(chain.backs[CODES[1]], "SELECT 1 FROM staff WHERE userid = ?", mover)
    assert moved
    assert not rows(chain.backs[CODES[0]], "SELECT 1 FROM staff WHERE userid = ?", mover)
    words = rows(chain.backs[CODES[1]], "SELECT external_userid FROM customer")
    text = "".join(map(repr, words))
    gone = rows(
        chain.office,
        "SELECT external_userid FROM customer WHERE id NOT IN"
        " (SELECT customer_id FROM follow WHERE store_id = ?)", two,
    )  # fmt: skip
    assert gone
    assert not any(each[0] in text for each in gone)


def test_what_was_rolled_back_is_not_published(chain: Chain) -> None:
    chain.settle()
    connection = chain.office.data.connection
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE customer SET name = 'never'")
    connection.rollback()
    assert outbox.waiting(chain.office.data)[0] == 0
    must_agree(chain)


def test_an_outbox_that_nobody_serves_holds_a_thing_once(chain: Chain) -> None:
    """The newest note of a thing counts, whatever the statement does with conflicts; a batch that
    is under way leaves a newer note in place."""
    chain.settle()
    chain.rest()
    data = chain.office.data
    (key, follow) = rows(chain.office, "SELECT customer_id, id FROM follow")[0]
    (tag,) = rows(chain.office, "SELECT id FROM tag")[-1]
    mark = "INSERT OR IGNORE INTO follow_tag (follow_id, tag_id, createtime) VALUES (?, ?, 1)"
    rename = "UPDATE OR FAIL customer SET name = name || '!' WHERE id = ?"
    with data.atomic() as connection:
        connection.execute(rename, (key,))
    first = rows(chain.office, "SELECT number, at FROM hub_outbox")
    under_way = publishing.take(data, time.time())
    with data.atomic() as connection:
        for _each in range(3):
            connection.execute(rename, (key,))
        connection.execute(
            "DELETE FROM follow_tag WHERE follow_id = ? AND tag_id = ?", (follow, tag)
        )
        connection.execute(mark, (follow, tag))
    outbox_ = rows(chain.office, "SELECT kind, key FROM hub_outbox")
    assert outbox_ == [("customer", key)]
    publishing.done(data, under_way, {})
    left = rows(chain.office, "SELECT number, at FROM hub_outbox")
    assert len(left) == 1
    assert left[0][0] > first[0][0]
    assert left[0][1] == first[0][1]  # waits since the first
    stores.note_everything(data, time.time())
    once = rows(chain.office, "SELECT count(*) FROM hub_outbox")
    stores.note_everything(data, time.time())
    assert rows(chain.office, "SELECT count(*) FROM hub_outbox") == once
    chain.serve()
    must_agree(chain)


def test_killed_between_commit_and_publish(chain: Chain) -> None:
    """A process that commits facts and is killed at once leaves its notes; a server that has the
    messages, and a publisher that was killed before it knew, publishes them again."""
    chain.settle()
    chain.rest()
    program = (
        "import os, sys; from storeops.app import App\n"
        "app = App.open('office')\n"
        "with app.data.atomic() as c:\n"
        "    c.execute(\"UPDATE customer SET name = 'after ' || id\")\n"
        "print('done', flush=True); os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (killed.returncode, killed.stdout.strip()) == (-signal.SIGKILL, b"done"), killed.stderr
    assert outbox.waiting(chain.office.data)[0]
    before = publishing.take(chain.office.data, time.time())  # read, published, never noted
    chain.serve()
    must_agree(chain)
    chain.rest()
    with chain.office.data.atomic() as connection:
        for each in before.messages:
            connection.execute(
                "INSERT INTO hub_outbox (kind, key, at) VALUES (?, ?, 0)", (each.kind, each.key)
            )
            connection.execute(
                "DELETE FROM hub_published WHERE kind = ? AND key = ?", (each.kind, each.key)
            )
    chain.serve()
    must_agree(chain)


def test_a_mirror_put_back_from_a_copy_gets_what_came_since(chain: Chain) -> None:
    """It says itself how far it is, whatever went to it later; what left it later leaves again."""
    chain.settle()
    back = chain.backs[CODES[0]]
    with closing(sqlite3.connect(":memory:")) as copy:
        back.data.connection.backup(copy)
        (gone,) = rows(
            chain.office,
            "SELECT min(f.customer_id) FROM follow AS f JOIN customer AS c ON c.id = f.customer_id"
            " WHERE f.store_id = ?"
            " AND c.external_userid NOT IN (SELECT external_userid FROM unassigned)",
            chain.departments[0],
        )[0]
        with chain.office.data.atomic() as connection:
            connection.execute("DELETE FROM follow WHERE customer_id = ?", (gone,))
            connection.execute("UPDATE customer SET name = 'since ' || id")
        must_agree(chain)
        copy.backup(back.data.connection)
    assert rows(back, "SELECT 1 FROM customer WHERE id = ?", gone)
    report = following.follow(back, once=True)
    assert report.things
    assert not report.refilled
    assert not rows(back, "SELECT 1 FROM customer WHERE id = ?", gone)
    must_agree(chain)


def test_a_message_that_was_lost_on_the_way_comes_again(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing after a gap is written before what is missing."""
    chain.settle()
    fetch = ShopPull.fetch
    lost = []

    async def lossy(*args: Any) -> list[Any] | None:
        messages = await fetch(*args)
        if messages and len(messages) > 2 and len(lost) < 3:
            lost.append(messages.pop(len(messages) // 2))
        return messages

    monkeypatch.setattr(ShopPull, "fetch", lossy)
    with chain.office.data.atomic() as connection:
        connection.execute("UPDATE customer SET name = 'lossy ' || id")
    must_agree(chain)
    assert len(lost) == 3


def test_a_consumer_that_is_gone_is_made_anew(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of a cluster took it along: the back office hears so at once, and greets again."""
    chain.settle()
    shop, back = chain.departments[0], chain.backs[CODES[0]]
    monkeypatch.setattr(following, "GONE_S", 0.1)
    stop, found = threading.Event(), []
    follower = threading.Thread(
        target=lambda: found.append(following.follow(back, stop=stop)), daemon=True
    )
    follower.start()
    time.sleep(0.5)

    async def lose() -> None:
        async with office_connection(chain.settings) as client:
            await client.jetstream().delete_consumer(rights.stream_of(shop), rights.consumer(shop))

    asyncio.run(lose())
    with chain.office.data.atomic() as connection:
        connection.execute("UPDATE customer SET name = 'lost ' || id")
    until = time.monotonic() + 20
    name = "SELECT count(*) FROM customer WHERE name NOT LIKE 'lost %'"
    while rows(back, name) != [(0,)]:
        assert time.monotonic() < until
        time.sleep(0.05)
    stop.set()
    follower.join(20)
    assert len(found) == 1
    must_agree(chain)


def test_a_hub_of_the_version_before_moves_by_itself(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had one stream for all shops and a number for it, and its server runs as it configured it:
    everything is published anew, mirrors are filled anew, the old stream goes."""
    from nats.js.api import StreamConfig
    from nats.js.errors import NotFoundError

    chain.settle()
    data = chain.office.data

    async def as_before() -> None:
        async with office_connection(chain.settings) as client:
            streams = client.jetstream()
            for part in range(rights.PARTS):
                await streams.delete_stream(rights.stream(part))
            await streams.add_stream(
                StreamConfig(name=rights.STREAM, subjects=["facts.>"], max_msgs_per_subject=1)
            )
            await client.publish("facts.0.tags.1", b"{}")
            await client.flush()

    async def old() -> bool:
        async with office_connection(chain.settings) as client:
            try:
                await client.jetstream().stream_info(rights.STREAM)
            except NotFoundError:
                return False
            return True

    chain.rest()
    with monkeypatch.context() as patched:
        made = credentials.account_token
        patched.setattr(
            rights, "account_token", lambda *a, **k: made(*a, **{**k, "mappings": None})
        )
        before = server.ServerProcess("office", chain.settings)
        before.start({}, time.time() - 60)
    assert before._process is not None
    threading.Thread(target=before._process.wait, daemon=True).start()  # somebody must hear its end
    time.sleep(1)
    asyncio.run(as_before())
    with data.atomic() as connection:
        connection.execute("DELETE FROM hub_state WHERE key GLOB 'last_seq:*' OR key = 'parts'")
        state.write(connection, "last_seq", 1)
        connection.execute("UPDATE customer SET name = 'moved ' || id")
    chain.serve()
    assert server.ServerProcess("office", chain.settings).pid == before.pid
    assert not asyncio.run(old())
    must_agree(chain)


def test_a_wait_that_the_server_ended_is_one_without_news(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.settle()
    waits = []
    stop = threading.Event()

    async def nothing(*_args: object, **_options: object) -> list[object]:
        waits.append(1)
        if len(waits) == 3:
            stop.set()
        return []

    monkeypatch.setattr(ShopPull, "fetch", nothing)
    report = following.follow(chain.backs[CODES[0]], stop=stop)
    assert (len(waits), report.things, report.behind) == (3, 0, 0)


def test_what_comes_late_is_waited_for(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """A back office that was told that messages are left does not say that it has everything."""
    chain.settle()
    back = chain.backs[CODES[1]]
    with chain.office.data.atomic() as connection:
        connection.execute("UPDATE customer SET name = 'late ' || id")
    chain.published()
    fetch: Callable[..., Awaitable[list[Any] | None]] = ShopPull.fetch
    late: list[int] = []

    async def slow(*args: Any) -> list[Any] | None:
        if len(late) < 2:
            late.append(1)
            return []
        return await fetch(*args)

    monkeypatch.setattr(ShopPull, "fetch", slow)
    following.follow(back, once=True)
    name = "SELECT count(*) FROM customer WHERE name NOT LIKE 'late %'"
    assert rows(back, name) == [(0,)]
    must_agree(chain)


def test_what_never_comes_is_no_everything(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    chain.settle()
    back = chain.backs[CODES[1]]
    with chain.office.data.atomic() as connection:
        connection.execute("UPDATE customer SET name = 'never ' || id")
    chain.published()
    before = arriving.follow_state(back.data).caught_up_at

    async def nothing(*_args: Any, **_options: Any) -> list[Any]:
        return []

    with monkeypatch.context() as patched:
        patched.setattr(ShopPull, "fetch", nothing)
        patched.setattr(following, "LATE_S", 1.0)
        with pytest.raises(NetworkError, match="does not answer"):
            following.follow(back, once=True)
    assert arriving.follow_state(back.data).caught_up_at == before
    must_agree(chain)


def test_older_messages_undo_nothing_and_unknown_kinds_wait(chain: Chain) -> None:
    chain.settle()
    back = chain.backs[CODES[0]]
    (key,) = rows(back, "SELECT min(id) FROM customer")[0]
    old = arriving.ArrivedThing("customer", key, publishing.GONE, 1, 0)
    new = arriving.ArrivedThing("parcels", 7, b'{"v":1,"tables":{}}', 10**9, 0)
    later = arriving.ArrivedThing("staff", 10**6, b'{"v":2,"tables":{}}', 10**9 + 1, 0)
    arriving.write(back.data, [old, new, later], time.time(), sure=True)
    here = arriving.follow_state(back.data)
    assert here.waiting == {"parcels": 1}
    must_agree_rows = rows(back, "SELECT count(*) FROM customer WHERE id = ?", key)
    assert must_agree_rows == [(1,)]
    assert rows(back, "SELECT kind FROM hub_waiting") == [("parcels",), ("staff",)]
    with back.data.atomic() as connection:
        connection.execute("DELETE FROM hub_waiting")
        connection.execute("UPDATE hub_state SET value = '0' WHERE key = 'stream'")
    os.environ["STOREOPS_HOME"] = str(chain.home)
    following.follow(back, once=True)
    must_agree(chain)


def test_without_init_a_sync_notes_nothing(chain: Chain) -> None:
    data = chain.office.data
    with data.atomic() as connection:
        outbox.remove(connection)
    named = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'hub%'"
    assert data.execute(named).fetchone() == (0,)
    with data.atomic() as connection:
        connection.execute("UPDATE customer SET name = name || '!'")
    assert outbox.waiting(data)[0] == 0
    outbox.install(data)
    assert data.execute(named).fetchone()[0] > 10
    must_agree(chain)


def test_what_is_too_large_for_the_server_holds_nobody_up(chain: Chain) -> None:
    """It is not published, and called so; everything else is."""
    chain.settle()
    data, (shop, _other) = chain.office.data, chain.departments
    with data.atomic() as connection:
        connection.execute("UPDATE department SET name = ? WHERE id = ?", ("大" * 600_000, shop))
        connection.execute("UPDATE customer SET name = 'after ' || id")
    chain.settle()
    assert checks.differences(data, shop) == [("department", shop)]
    with data.atomic() as connection:
        connection.execute("UPDATE department SET name = 'A' WHERE id = ?", (shop,))
    chain.settle()
    must_agree(chain)


def test_a_server_that_dies_comes_back(chain: Chain) -> None:
    """Head office starts it anew, publishes what came meanwhile, and goes on."""
    chain.settle()
    pid = chain.home / "data" / "office" / "hub" / "server.pid"
    before = int(pid.read_text())
    os.kill(before, signal.SIGKILL)
    with chain.office.data.atomic() as connection:
        connection.execute("UPDATE customer SET name = 'later ' || id")
    chain.settle()
    assert int(pid.read_text()) != before
    must_agree(chain)


def test_a_month_off_line_and_a_stream_that_was_lost_meanwhile(chain: Chain) -> None:
    """Numbers of the new stream are past those that the mirror knows, and mean other messages."""
    chain.settle()
    code, back = CODES[0], chain.backs[CODES[0]]
    chain.backs.pop(code)
    position = arriving.follow_state(back.data).stream
    data = chain.office.data
    gone, staff = rows(
        chain.office,
        "SELECT max(customer_id), max(staff_id) FROM follow WHERE store_id = ?",
        chain.departments[0],
    )[0]
    with data.atomic() as connection:
        connection.execute("DELETE FROM follow WHERE customer_id = ?", (gone,))
        connection.execute("UPDATE staff SET name = 'Renamed' WHERE id = ?", (staff,))
    chain.settle()
    chain.rest()
    shutil.rmtree(chain.home / "data" / "office" / "hub" / "stream")
    chain.serve()
    for day in range(30):
        with data.atomic() as connection:
            connection.execute("UPDATE customer SET name = 'day ' || ? || id", (day,))
        while outbox.waiting(data)[0]:
            time.sleep(0.02)
    chain.settle()
    newest = arriving.follow_state(chain.backs[CODES[1]].data).stream
    assert newest > position
    chain.backs = {code: back, **chain.backs}
    must_agree(chain)
    assert not rows(back, "SELECT 1 FROM customer WHERE id = ?", gone)


def test_a_stream_that_was_lost_is_filled_and_read_anew(chain: Chain) -> None:
    """The server's folder is gone: numbers begin at 1 again, and mirrors take them."""
    chain.settle()
    chain.rest()
    shutil.rmtree(chain.home / "data" / "office" / "hub" / "stream")
    chain.serve()
    with chain.office.data.atomic() as connection:
        connection.execute("UPDATE customer SET name = 'anew ' || id")
    chain.settle()
    must_agree(chain)


def test_what_was_published_and_not_noted_is_looked_at_again(chain: Chain) -> None:
    """Another host goes on with a copy that does not know of the newest messages."""
    data = chain.office.data
    back = chain.backs[CODES[0]]
    chain.settle()
    (customer,) = data.execute(
        "SELECT customer_id FROM follow WHERE store_id = ? ORDER BY id DESC LIMIT 1",
        (chain.departments[0],),
    ).fetchone()
    published = data.execute(
        "SELECT * FROM hub_published WHERE kind = 'customer' AND key = ?", (customer,)
    ).fetchall()
    assert published
    chain.rest()
    with data.atomic() as connection:
        last = publishing.kept(connection)
        connection.execute("DELETE FROM hub_published WHERE kind = 'customer' AND key = ?",
                           (customer,))  # fmt: skip
        for kind, key, _store, _digest in published:
            connection.execute("DELETE FROM hub_outbox WHERE kind = ? AND key = ?", (kind, key))
        publishing.note_kept(connection, {rights.part(chain.departments[0]): 1})
    chain.serve()
    chain.settle()
    assert sorted(
        data.execute("SELECT * FROM hub_published WHERE kind = 'customer' AND key = ?", (customer,))
    ) == sorted(published)
    assert all(number >= last[part] for part, number in publishing.kept(data.connection).items())
    assert expected(chain, chain.departments[0]) == held(back)


def test_a_back_office_of_the_version_before_acknowledges_in_vain(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may not at this server, needs not, and gets everything all the same."""
    monkeypatch.setattr(
        following.FollowReport, "ordered", property(lambda _self: False, lambda _self, _value: None)
    )
    chain.settle()
    for word in ("vain", "again"):
        with chain.office.data.atomic() as connection:
            connection.execute("UPDATE customer SET name = ? || id", (word,))
        must_agree(chain)
