"""One token per corp and app: kept, shared, replaced once."""

from __future__ import annotations

import threading

import pytest

from storeops.clock import SystemClock
from storeops.database.database import open_database
from storeops.errors import AccessError
from storeops.limits.memory import MemoryTokenStore
from storeops.limits.schema import MIGRATIONS
from storeops.limits.tokens import RunTokenStore


@pytest.fixture
def db(tmp_path):
    opened = open_database(tmp_path / "run.db", MIGRATIONS)
    yield opened
    opened.close()


class Server:
    """Gives out tokens and counts."""

    def __init__(self, lifetime=7200):
        self.given: list[str] = []
        self.lifetime = lifetime

    def __call__(self):
        self.given.append(f"token-{len(self.given) + 1}")
        return self.given[-1], self.lifetime


@pytest.fixture(params=["memory", "run"])
def make(request, db, clock):
    if request.param == "run":
        return lambda: RunTokenStore(db, "ww1", 7, clock, lambda: "s3cret")
    store = MemoryTokenStore(clock)
    return lambda: store


def test_one_fetch_for_many_calls(make):
    server = Server()
    assert {make().get(server) for _ in range(5)} == {"token-1"}
    assert server.given == ["token-1"]


def test_a_token_about_to_end_is_not_handed_out(make, clock):
    server = Server()
    store = make()
    store.get(server)
    clock.advance(7200 - 61)
    assert store.get(server) == "token-1"
    clock.advance(2)
    assert store.get(server) == "token-2"


def test_a_short_lived_token_is_used_half_its_life(make, clock):
    server = Server(lifetime=20)
    store = make()
    store.get(server)
    clock.advance(9)
    assert store.get(server) == "token-1"
    clock.advance(2)
    assert store.get(server) == "token-2"


def test_a_bad_token_is_replaced_once(make):
    server = Server()
    one, two = make(), make()
    assert one.get(server) == two.get(server) == "token-1"
    assert one.replace("token-1", server) == "token-2"
    assert two.replace("token-1", server) == "token-2"
    assert two.get(server) == "token-2"
    assert server.given == ["token-1", "token-2"]


def test_the_same_token_again_is_taken_as_it_is(make):
    # WeCom repeats the token inside its validity (doc 91039)
    store = make()
    store.get(lambda: ("same", 7200))
    assert store.replace("same", lambda: ("same", 7200)) == "same"
    assert store.get(lambda: ("other", 7200)) == "same"


def test_apps_have_tokens_of_their_own(db, clock):
    server = Server()
    assert RunTokenStore(db, "ww1", 1, clock, lambda: "s3cret").get(server) == "token-1"
    assert RunTokenStore(db, "ww1", 2, clock, lambda: "s3cret").get(server) == "token-2"


def test_many_threads_and_stores_fetch_once(db):
    clock = SystemClock()
    server = Server()
    start = threading.Barrier(8)
    got = []

    def slow():
        threading.Event().wait(0.1)
        return server()

    def work(store):
        start.wait()
        got.append(store.get(slow))
        db.close_thread()

    stores = [RunTokenStore(db, "ww1", 1, clock, lambda: "s3cret") for _ in range(4)]
    crew = [threading.Thread(target=work, args=(stores[n % 4],)) for n in range(8)]
    for each in crew:
        each.start()
    for each in crew:
        each.join()
    assert got == ["token-1"] * 8


def test_a_failed_fetch_fails_for_all_who_waited_and_is_not_repeated_for_them(db):
    store = RunTokenStore(db, "ww1", 1, SystemClock(), lambda: "s3cret")
    asked = []
    inside = threading.Event()
    go_on = threading.Event()

    def refuse():
        asked.append(1)
        inside.set()
        go_on.wait(10)
        raise AccessError("wrong secret")

    errors = []

    def work():
        try:
            store.get(refuse)
        except AccessError as error:
            errors.append(error)

    first = threading.Thread(target=work)
    first.start()
    inside.wait(10)
    rest = [threading.Thread(target=work) for _ in range(4)]
    for each in rest:
        each.start()
    while not all(each.is_alive() for each in rest):
        pass
    threading.Event().wait(0.1)  # let them reach the lock
    go_on.set()
    for each in (first, *rest):
        each.join()
    assert len(errors) == 5
    assert len(asked) == 1
    with pytest.raises(AccessError):  # a later call does ask again: the secret may be right now
        store.get(refuse)
    assert len(asked) == 2


def test_a_failed_fetch_lets_others_try(db, clock):
    def broken():
        raise AccessError("no")

    with pytest.raises(AccessError):
        RunTokenStore(db, "ww1", 1, clock, lambda: "s3cret").get(broken)
    assert RunTokenStore(db, "ww1", 1, clock, lambda: "s3cret").get(Server()) == "token-1"


def test_a_fetcher_that_died_is_succeeded(db, clock):
    dying = RunTokenStore(db, "ww1", 1, clock, lambda: "s3cret")
    assert dying._hold("")  # and never comes back
    heir = RunTokenStore(
        db, "ww1", 1, clock, lambda: "s3cret", alive=lambda owner: owner != dying._owner
    )
    assert heir.get(Server()) == "token-1"


def test_a_fetcher_that_hangs_is_waited_for_and_then_succeeded(db, clock):
    RunTokenStore(db, "ww1", 1, clock, lambda: "s3cret")._hold("")
    assert RunTokenStore(db, "ww1", 1, clock, lambda: "s3cret").get(Server()) == "token-1"
    assert clock.moved == pytest.approx(120, abs=0.1)


def test_forget_drops_the_token(db, clock):
    server = Server()
    store = RunTokenStore(db, "ww1", 1, clock, lambda: "s3cret")
    store.get(server)
    store.forget()
    assert RunTokenStore(db, "ww1", 1, clock, lambda: "s3cret").get(server) == "token-2"
    assert store.get(server) == "token-2"


def test_nothing_shows_the_token(make):
    store = make()
    store.get(lambda: ("very-secret", 7200))
    assert "very-secret" not in repr(store)


def test_a_token_belongs_to_the_secret_it_was_got_with(db, clock):
    server = Server()
    now = ["old-secret"]
    store = RunTokenStore(db, "ww1", 1, clock, lambda: now[0])
    assert [store.get(server), store.get(server)] == ["token-1", "token-1"]
    other = RunTokenStore(db, "ww1", 1, clock, lambda: "new-secret")
    assert other.get(server) == "token-2"
    now[0] = "new-secret"
    clock.sleep(3)
    assert store.get(server) == "token-2"  # a long-lived process hears of it as well
    assert RunTokenStore(db, "ww1", 1, clock, lambda: "new-secret").get(server) == "token-2"


def test_nothing_of_the_secret_lies_in_the_file(db, clock):
    import base64
    import hashlib

    secret = "a-secret-of-an-app"
    RunTokenStore(db, "ww1", 1, clock, lambda: secret).get(Server())
    rows = repr(db.execute("SELECT * FROM token").fetchall())
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b"):
        assert hashlib.new(name, secret.encode()).hexdigest() not in rows
    for form in (secret, secret.encode().hex(), base64.b64encode(secret.encode()).decode()):
        assert form not in rows
