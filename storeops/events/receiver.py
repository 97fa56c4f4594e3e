"""Taking callbacks in: prove the sender, keep what came, then answer.

```python
receiver = Receiver(Inbox(app.inbox), keys, app.clock)
receiver.verify(query)          # GET: what to answer to the check of the address
receiver.receive(query, body)   # POST: b"success" once the event is on disk
```
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from storeops.clock import Clock
from storeops.errors import StoreOpsError
from storeops.events import kinds
from storeops.events.crypto import CallbackKeys, UnreadableMessage
from storeops.events.inbox import UNREADABLE, Delivery, Inbox, Kept
from storeops.events.kinds import Named
from storeops.events.listing import deliveries, ids_of
from storeops.events.message import Message, encrypted_part, read_message

SUCCESS = b"success"
MAX_BODY = 1_000_000  # bytes; the largest event (members of a group) has some 30,000
_LONGEST = 256  # characters of a value in the query
SIGNATURE, MALFORMED, TOO_LARGE = "signature", "malformed", "too_large"


class Refused(Exception):
    """A request that proves nothing: answered with an HTTP error, counted, not stored.

    Attributes:
        reason: signature | malformed | too_large.
        status: the HTTP status of the answer.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = {SIGNATURE: 403, TOO_LARGE: 413}.get(reason, 400)


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a signed ciphertext held: the message, or why it cannot be read."""

    message: Message | None
    text: bytes | None
    about: Named | None
    reason: str


class Receiver:
    """Callbacks of one profile. Thread-safe.

    Args:
        inbox: where events are kept.
        keys: token, key and corp.
        clock: WeCom's time.
        on_event: called after an event that has to be handled was kept.
    """

    def __init__(
        self,
        inbox: Inbox,
        keys: CallbackKeys,
        clock: Clock,
        on_event: Callable[[Kept], None] | None = None,
    ) -> None:
        self._inbox, self._keys, self._clock = inbox, keys, clock
        self._on_event = on_event or (lambda kept: None)
        self._refused: Counter[str] = Counter()
        self._lock = threading.Lock()

    def verify(self, query: Mapping[str, str]) -> bytes:
        """The answer to the check of the address (doc 90930): the plaintext of echostr, bare.

        Args:
            query: msg_signature, timestamp, nonce, echostr, percent-decoded.

        Raises:
            Refused: not signed with our token, or not encrypted with our key for our corp.
        """
        signature, timestamp, nonce = self._signing(query)
        echo = query.get("echostr", "")
        if not self._keys.signed(signature, timestamp, nonce, echo):
            raise self._refuse(SIGNATURE)
        try:
            return self._keys.decrypt(echo)
        except UnreadableMessage:
            raise self._refuse(MALFORMED) from None

    def receive(self, query: Mapping[str, str], body: bytes) -> bytes:
        """Keep one pushed event; returns the body of the answer, due within 5 s (doc 90930).

        What is signed but cannot be read is kept as it came and flagged: a wrong key must not
        lose events, and WeCom has no call that fetches them later.

        Args:
            query: msg_signature, timestamp, nonce, percent-decoded.
            body: the request body.

        Raises:
            Refused: not signed with our token; nothing is stored.
            StoreOpsError: it could not be stored: answer with an error, WeCom sends it again.
        """
        signature, timestamp, nonce = self._signing(query)
        if len(body) > MAX_BODY:
            raise self._refuse(TOO_LARGE)
        sealed = encrypted_part(body)
        if sealed is None:
            raise self._refuse(MALFORMED)
        if not self._keys.signed(signature, timestamp, nonce, sealed):
            raise self._refuse(SIGNATURE)
        opened = self._open(sealed)
        kept = self._inbox.keep(
            Delivery(signature, timestamp, nonce, body),
            sealed,
            opened.message,
            opened.text,
            opened.about,
            opened.reason,
            self._clock.now(),
        )
        if kept.due:
            self._on_event(kept)
        return SUCCESS

    def read_again(self) -> int:
        """Try what could not be read with the keys of today; returns how many can be read now."""
        db, count = self._inbox.db, 0
        for event_id in ids_of(db, UNREADABLE):
            for arrived in deliveries(db, event_id):
                sealed = encrypted_part(arrived.delivery.body)
                opened = self._open(sealed) if sealed else None
                if opened is not None and opened.message and opened.about:
                    assert opened.text is not None
                    self._inbox.now_readable(
                        event_id, opened.message, opened.text, opened.about, self._clock.now()
                    )
                    count += 1
                    break
        return count

    def refuse_large(self) -> Refused:
        """A body that is too large to be read at all."""
        return self._refuse(TOO_LARGE)

    def refuse_connection(self, reason: str) -> None:
        """Count a connection that got no answer: one of `inbox.UNANSWERED`."""
        self._refuse(reason)

    def close_thread(self) -> None:
        """Close what the calling thread had open; the next call opens it again."""
        self._inbox.db.close_thread()

    def flush(self) -> None:
        """Write down how many requests were refused since the last time.

        Counted in memory between, so that a flood of forgeries costs no write each.

        Raises:
            StoreOpsError: it cannot be written; the counts are kept for the next time.
        """
        with self._lock:
            counts, self._refused = self._refused, Counter()
        try:
            if counts:
                self._inbox.count_refused(counts, self._clock.now())
        except StoreOpsError:
            with self._lock:
                self._refused += counts
            raise

    def _open(self, sealed: str) -> _Opened:
        try:
            text = self._keys.decrypt(sealed)
            message = read_message(text)
        except UnreadableMessage as error:
            return _Opened(None, None, None, error.reason)
        return _Opened(message, text, kinds.named(message), "")

    def _signing(self, query: Mapping[str, str]) -> tuple[str, str, str]:
        values = tuple(query.get(name, "") for name in ("msg_signature", "timestamp", "nonce"))
        if not all(0 < len(each) <= _LONGEST for each in values):
            raise self._refuse(MALFORMED)
        signature, timestamp, nonce = values
        return signature, timestamp, nonce

    def _refuse(self, reason: str) -> Refused:
        with self._lock:
            self._refused[reason] += 1
        return Refused(reason)
