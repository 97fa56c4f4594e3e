"""One shop's credentials, against the server itself: what they open, and everything they do not."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from nats.aio.client import Client

from storeops.errors import AccessError, UsageError
from storeops.hub import following, joining, revoking, rights, stores
from storeops.hub.connection import shut
from storeops.hub.credentials import NatsKey, new_key, user_token
from storeops.hub.joining import JoinFile
from storeops.hub.office_line import office_connection
from tests.hub.conftest import CODES, Chain

MINE, OTHER = CODES


async def enter(url: str, key: NatsKey, token: str, heard: list[str], inbox: str = "") -> Client:
    """A client that any stranger could write: nothing of ours but the key."""
    client = Client()

    async def note(error: Exception) -> None:
        heard.append(str(error).lower())

    try:
        await client.connect(
        url, allow_reconnect=False, max_reconnect_attempts=1, reconnect_time_wait=0,
        user_jwt_cb=lambda: bytearray(token.encode()),
        signature_cb=lambda nonce: base64.b64encode(key.sign(nonce.encode())),
        inbox_prefix=inbox or rights.inbox(key.public), error_cb=note,
    )  # fmt: skip
    except BaseException:
        await shut(client)
        raise
    return client


async def soon(true: Callable[[], bool]) -> bool:
    for _each in range(100):
        if true():
            return True
        await asyncio.sleep(0.02)
    return False


def said(heard: list[str], what: str) -> bool:
    return any(f"permissions violation for {what}" in each for each in heard)


def inside(file: JoinFile, work: Callable[[Client, list[str]], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        heard: list[str] = []
        client = await enter(file.url, file.key, file.token, heard)
        try:
            return await work(client, heard)
        finally:
            await shut(client)

    return asyncio.run(asyncio.wait_for(run(), 30))


def refused_entry(file: JoinFile) -> bool:
    async def run() -> bool:
        heard: list[str] = []
        try:
            client = await enter(file.url, file.key, file.token, heard)
        except Exception:
            return any("authorization" in each for each in heard)
        await shut(client)
        return False

    return asyncio.run(asyncio.wait_for(run(), 10))


def stream_state(chain: Chain) -> tuple[int, int]:
    async def run() -> tuple[int, int]:
        async with office_connection(chain.settings) as client:
            streams = client.jetstream()
            found = [await streams.stream_info(rights.stream(n)) for n in range(rights.PARTS)]
            return sum(s.state.messages for s in found), sum(s.state.last_seq for s in found)

    return asyncio.run(run())


def test_nothing_can_be_published_or_asked_but_ones_own(chain: Chain) -> None:
    chain.settle()
    mine, other = (chain.files[each].store for each in CODES)
    before = stream_state(chain)
    streams = {rights.STREAM, rights.stream_of(mine), rights.stream_of(other)}
    subjects = [
        "facts.x", *(
            f"facts-{rights.part(shop)}.{each}"
            for shop in (mine, other)
            for each in (f"{mine}.customer.1", f"{other}.customer.1", "0.tags.1")
        ),
        rights.next_subject(rights.consumer(other)), rights.hello_subject(other),
        *(
            subject
            for shop in (mine, other)
            for subject in (
                rights.next_subject(rights.consumer(shop), rights.stream_of(shop)),
                f"$JS.ACK.{rights.stream_of(shop)}.{rights.consumer(shop)}.1.1.1.1.1",
            )
        ),
        *(f"$JS.API.{each.replace('FACTS', stream)}" for stream in streams for each in (
            "INFO", "STREAM.NAMES", "STREAM.LIST", "STREAM.CREATE.MINE", "STREAM.UPDATE.FACTS",
            "STREAM.INFO.FACTS", "STREAM.DELETE.FACTS", "STREAM.PURGE.FACTS",
            "STREAM.MSG.GET.FACTS", "STREAM.MSG.DELETE.FACTS", "STREAM.SNAPSHOT.FACTS",
            "DIRECT.GET.FACTS", f"DIRECT.GET.FACTS.facts-{rights.part(other)}.{other}.customer.1",
            "CONSUMER.NAMES.FACTS", "CONSUMER.LIST.FACTS",
            f"CONSUMER.INFO.FACTS.shop-{other}", f"CONSUMER.DELETE.FACTS.shop-{other}",
            "CONSUMER.CREATE.FACTS", "CONSUMER.CREATE.FACTS.x.facts.>",
            "CONSUMER.DURABLE.CREATE.FACTS.x",
            "STREAM.MSG.GET.OBJ_copy-1", "DIRECT.GET.OBJ_copy-1", "STREAM.PURGE.OBJ_copy-1",
            "CONSUMER.CREATE.OBJ_copy-1", "STREAM.MSG.GET.KV_head_office",
        )),
        "$KV.head_office.leader", "$O.copy-1.M.x", "$O.copy-1.C.x",
        "$SYS.REQ.CLAIMS.UPDATE", "$SYS.REQ.SERVER.PING", f"_INBOX.{'U' * 56}.x",
    ]  # fmt: skip

    async def work(client: Client, heard: list[str]) -> None:
        for subject in subjects:
            heard.clear()
            await client.publish(subject, b"{}", reply=f"{rights.inbox(client_key)}.x")
            await client.flush()
            assert await soon(lambda: said(heard, "publish")), subject

    client_key = chain.files[MINE].key.public
    inside(chain.files[MINE], work)
    assert stream_state(chain) == before


def test_nothing_can_be_listened_to_but_ones_own_answers(chain: Chain) -> None:
    other = chain.files[OTHER]
    subjects = [
        ">", "facts.>", f"facts-{rights.part(other.store)}.{other.store}.>",
        f"facts-{rights.part(chain.files[MINE].store)}.{chain.files[MINE].store}.>",
        "$KV.>", "$O.>",
        "$JS.>", "$SYS.>", "hub.>", "_INBOX.>", f"{rights.inbox(other.key.public)}.>", "_R_.>",
    ]  # fmt: skip

    async def work(client: Client, heard: list[str]) -> None:
        for subject in subjects:
            heard.clear()
            await client.subscribe(subject)
            await client.flush()
            assert await soon(lambda: said(heard, "subscription")), subject

    inside(chain.files[MINE], work)


def test_a_delivery_cannot_be_aimed_at_anybody_elses_subject(chain: Chain) -> None:
    """The reply address of a request is the only thing a shop chooses: the server keeps it inside
    the shops' account."""
    chain.settle()
    mine, other = (chain.files[each].store for each in CODES)
    with chain.office.data.atomic() as connection:
        connection.execute("UPDATE staff SET position = 'aimed' WHERE main_department = ?", (mine,))
    until = time.monotonic() + 10
    while stores_waiting(chain) and time.monotonic() < until:
        time.sleep(0.02)
    before = stream_state(chain)

    async def work(client: Client, heard: list[str]) -> None:
        for reply in (
            f"facts-{rights.part(other)}.{other}.staff.1",
            "facts-0.0.tags.1",
            "hub.hello.1",
            "$SYS.REQ.x",
        ):
            await client.publish(
                rights.next_subject(rights.consumer(mine)),
                json.dumps({"batch": 1, "no_wait": True}).encode(), reply=reply,
            )  # fmt: skip
            await client.flush()
        await asyncio.sleep(0.3)

    inside(chain.files[MINE], work)
    assert stream_state(chain) == before
    for back in chain.backs.values():
        following.follow(back, once=True)
    seen = [
        back.data.execute("SELECT count(*) FROM staff WHERE position = 'aimed'").fetchone()[0]
        for back in chain.backs.values()
    ]
    assert seen[0] > 0
    assert seen[1] == 0


def stores_waiting(chain: Chain) -> int:
    from storeops.hub import outbox

    return outbox.waiting(chain.office.data)[0]


def test_what_arrives_is_the_shops_own(chain: Chain) -> None:
    """Everything that the shop's own consumer can deliver, from its beginning."""
    mine = chain.files[MINE].store

    async def run() -> set[str]:
        async with office_connection(chain.settings) as client:
            info = await client.jetstream().consumer_info(
                rights.stream_of(mine), rights.consumer(mine)
            )
            return set(info.config.filter_subjects or ())

    assert asyncio.run(run()) == {f"facts-{rights.part(mine)}.{each}.>" for each in (mine, 0)}


def test_forged_credentials_open_nothing(chain: Chain) -> None:
    file = chain.files[MINE]
    account, user = new_key("account"), new_key("user")
    now = time.time() - 10
    forged = user_token(account, user.public, "x", now)
    assert refused_entry(replace(file, seed=user.seed, token=forged))
    # a key of one's own under somebody's token, and a token that was changed
    assert refused_entry(replace(file, seed=user.seed))
    head, body, signature = file.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    claims["nats"].pop("pub")
    wider = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    assert refused_entry(replace(file, token=f"{head}.{wider}.{signature}"))
    # signed by itself as an account of the chain
    assert refused_entry(replace(file, token=user_token(user, file.key.public, "x", now)))
    assert not refused_entry(file)


def test_revoked_at_once_and_for_good(chain: Chain) -> None:
    """The line is cut while it lasts; the old key opens nothing after a restart either."""
    chain.settle()
    old = chain.files[OTHER]

    async def cut() -> bool:
        heard: list[str] = []
        client = await enter(old.url, old.key, old.token, heard)
        await asyncio.to_thread(rotate)
        try:
            return await soon(lambda: not client.is_connected)
        finally:
            await shut(client)

    def rotate() -> None:
        found = stores.find(chain.office.data, OTHER)
        key = stores.rotate(chain.office.data, found, time.time())
        revoking.refuse_now(chain.office)
        chain.join(stores.find(chain.office.data, OTHER), key)

    assert asyncio.run(cut())
    assert refused_entry(old)
    assert not refused_entry(chain.files[OTHER])
    following.follow(chain.backs[OTHER], once=True)
    chain.rest()
    chain.serve()
    assert refused_entry(old)
    joining.join(old, f"shop-{OTHER}")
    with pytest.raises(AccessError, match="does not let this profile in"):
        following.follow(chain.backs[OTHER], once=True)
    joining.join(chain.files[OTHER], f"shop-{OTHER}")
    following.follow(chain.backs[OTHER], once=True)


def test_beyond_this_machine_only_with_tls(chain: Chain, tmp_path: Any) -> None:
    from storeops.hub import settings as hub_settings

    for url in ("nats://10.1.2.3:4222", "nats://hub.example.com", "nats://0.0.0.0:4222"):
        with pytest.raises(UsageError, match="only tls://"):
            hub_settings.create("office", url=url)
        path = tmp_path / "a.join"
        path.write_text(json.dumps({**_fields(chain.files[MINE]), "url": url}))
        with pytest.raises(UsageError, match="only tls://"):
            joining.load(path)
    with pytest.raises(UsageError, match="needs a certificate"):
        hub_settings.create("office", url="tls://10.1.2.3:4222")
    assert hub_settings.get("office").url == chain.url


def _fields(file: JoinFile) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(file)
