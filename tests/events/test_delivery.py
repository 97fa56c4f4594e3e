"""How the sandbox delivers, and that the receiver comes out right whatever it does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from storeops.events.listing import deliveries, events
from storeops.operations import events as callbacks
from storeops.sandbox.local import ControlError
from tests.events.calling_corp import CallingCorp


class Stub:
    """A receiver that answers as it is told: (status, body, seconds late), the last for ever."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes, float]] = [(200, b"", 0.0)]
        self.echo: Any = None
        self.requests: list[tuple[str, bytes]] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stub.requests.append((self.path, b""))
                status, body, late = stub.echo(self.path)
                self.reply(status, body, late)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                stub.requests.append((self.path, body))
                first = stub.answers.pop(0) if len(stub.answers) > 1 else stub.answers[0]
                self.reply(*first)

            def reply(self, status: int, body: bytes, late: float) -> None:
                time.sleep(late)
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/cb"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def check_with(self, called: CallingCorp) -> None:
        """Pass the check of the address with the profile's own receiver."""
        from urllib.parse import parse_qsl, urlsplit

        receiver = callbacks.open_receiver(called.app)
        self.echo = lambda path: (
            200,
            receiver.verify(dict(parse_qsl(urlsplit(path).query))),
            0.0,
        )

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def stub() -> Iterator[Stub]:
    found = Stub()
    yield found
    found.close()


def fates(called: CallingCorp) -> list[dict[str, Any]]:
    return [row for row in called.control.events() if "delivery" in row]


@pytest.mark.parametrize(
    ("echo", "why"),
    [(lambda path: (200, b"something else", 0.0), "plaintext"),
     (lambda path: (404, b"", 0.0), "404"),
     (lambda path: (200, b"", 1.5), "timeout")],
    ids=["wrong", "missing", "late"],
)  # fmt: skip
def test_an_address_that_fails_the_check_is_not_saved(
    called: CallingCorp, stub: Stub, echo: Any, why: str
) -> None:
    stub.echo = echo
    with pytest.raises(ControlError, match=why) as caught:
        called.save(stub.url)
    assert caught.value.code == "callback_refused"
    assert called.control.call("GET", "callback")["url"] == called.server.url


def test_a_newline_after_the_plaintext_fails_the_check(called: CallingCorp, stub: Stub) -> None:
    stub.check_with(called)
    right = stub.echo
    stub.echo = lambda path: (200, right(path)[1] + b"\n", 0.0)
    with pytest.raises(ControlError):
        called.save(stub.url)
    stub.echo = right
    assert called.save(stub.url)["url"] == stub.url


def test_a_foreign_address_and_bad_keys_are_refused(called: CallingCorp) -> None:
    for wrong in ("http://example.com/", "https://127.0.0.1/", ""):
        body = {"url": wrong, "token": "abc", "encoding_aes_key": "k" * 43}
        with pytest.raises(ControlError):
            called.control.call("POST", "callback", body)
    body = {"url": called.server.url, "token": "abc", "encoding_aes_key": "short"}
    with pytest.raises(ControlError, match="43 letters"):
        called.control.call("POST", "callback", body)


@pytest.mark.parametrize("resign", [True, False])
def test_only_200_counts_and_three_more_are_sent(
    called: CallingCorp, stub: Stub, resign: bool
) -> None:
    called.control.settings(callback_retry_ms=20, callback_resign=resign)
    stub.check_with(called)
    called.save(stub.url)
    stub.requests.clear()
    stub.answers = [(500, b"", 0.0), (204, b"", 0.0), (302, b"", 0.0), (403, b"", 0.0)]
    called.control.act("remark_edit", remark="x")
    called.delivered()
    (row,) = fates(called)
    assert row["delivery"] == "failed"
    assert [each["status"] for each in row["attempts"]] == [500, 204, 302, 403]
    assert len(stub.requests) == 4
    assert len(set(stub.requests)) == (4 if resign else 1)


def test_an_answer_after_the_time_is_none(called: CallingCorp, stub: Stub) -> None:
    called.control.settings(callback_retry_ms=20, callback_timeout_ms=150)
    stub.check_with(called)
    called.save(stub.url)
    stub.answers = [(200, b"", 0.6), (200, b"success", 0.0)]
    called.control.act("remark_edit", remark="x")
    called.delivered()
    (row,) = fates(called)
    assert row["delivery"] == "answered"
    assert [(each["status"], each.get("error")) for each in row["attempts"]] == [
        (0, "timeout"), (200, None),
    ]  # fmt: skip


def test_drops_repeats_and_shuffles_are_as_set(called: CallingCorp) -> None:
    called.control.settings(
        callback_repeat_rate=1.0, callback_reorder=50, callback_drop_rate=0.3, callback_parallel=1
    )
    for number in range(40):
        called.control.act("remark_edit", remark=str(number), seed=number)
    called.delivered()
    rows = fates(called)
    sent = [row for row in rows if row["delivery"] == "answered"]
    dropped = [row for row in rows if row["delivery"] == "dropped"]
    assert len(sent) + len(dropped) == 40
    assert 3 <= len(dropped) <= 25
    assert {len(row["attempts"]) for row in sent} == {2}
    found = events(called.app.inbox, limit=100)
    assert sum(each.deliveries for each in found) == 2 * len(sent)
    alike = {(row["external_userid"], row["userid"], row["create_time"]) for row in sent}
    assert len(found) == len(alike), "the same message is the same event, and nothing else is"


def test_what_happened_before_is_delivered_when_asked_for(called: CallingCorp) -> None:
    called.control.call("DELETE", "callback")
    called.control.act("remark_edit", remark="early")
    called.save(after=len(called.control.events()) - 1)
    called.delivered()
    assert len(events(called.app.inbox)) == 1


def test_a_reset_keeps_the_address_and_drops_the_past(called: CallingCorp) -> None:
    called.control.reset(seed=11)
    called.control.act("remark_edit", remark="new chain")
    row = called.delivered()
    assert (row["url"], row["answered"], row["events"]) == (called.server.url, 1, 1)


DIES = """
import os, signal, sys, time
from storeops.app import App
from storeops.events.server import CallbackServer
from storeops.operations import events

app = App.open("t")
die = lambda kept: os.kill(os.getpid(), signal.SIGKILL)
server = CallbackServer(events.open_receiver(app, die), "127.0.0.1", int(sys.argv[1]), "/callback")
print("ready", flush=True)
time.sleep(60)
"""


def test_a_crash_between_receipt_and_answer_is_one_event_after_the_retry(
    called: CallingCorp,
) -> None:
    """A real process dies by SIGKILL after the commit; WeCom's retry finds another one."""
    from urllib.parse import urlsplit

    port = urlsplit(called.server.url).port or 0
    called.control.settings(callback_retry_ms=300, callback_retries=20)
    called.server.close()
    victim = subprocess.Popen(
        [sys.executable, "-c", DIES, str(port)],
        stdout=subprocess.PIPE, env={**os.environ}, text=True,
    )  # fmt: skip
    assert victim.stdout is not None
    assert victim.stdout.readline() == "ready\n"
    done = called.control.act("remark_edit", remark="kill")
    assert victim.wait(20) == -9
    victim.stdout.close()
    (event,) = events(called.app.inbox)
    assert (event.status, event.deliveries) == ("received", 1)
    from storeops.events.server import CallbackServer

    called.server = CallbackServer(
        callbacks.open_receiver(called.app), "127.0.0.1", port, "/callback"
    )
    row = called.delivered()
    assert (row["answered"], row["failed"]) == (1, 0)
    (event,) = events(called.app.inbox)
    assert event.deliveries == 2
    assert len(deliveries(called.app.inbox, event.id)) == 2
    assert callbacks.handle(called.app).events["handled"] == 1
    found = called.status_of(done["userid"], done["external_userid"])
    assert found is not None
    assert found[2] == "kill"
