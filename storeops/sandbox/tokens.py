"""Access tokens: one per app while it lives, expired and killed on demand (doc 91039)."""

from __future__ import annotations

import base64
import dataclasses
import os

from storeops.sandbox.organisation import App
from storeops.sandbox.refusals import Refusal


@dataclasses.dataclass(slots=True)
class Token:
    """One issued token; `expires_at` in sandbox seconds."""

    text: str
    agent_id: int
    expires_at: int


class Tokens:
    """Tokens by text. Killed ones are unknown again: 40014; old ones stay known: 42001."""

    def __init__(self) -> None:
        self._known: dict[str, Token] = {}
        self._current: dict[int, Token] = {}

    def issue(self, app: App, now: int, life_s: int) -> Token:
        """The app's living token, a new one only when there is none."""
        token = self._current.get(app.agent_id)
        if token is None or token.expires_at <= now:
            text = base64.urlsafe_b64encode(os.urandom(160)).decode().rstrip("=")
            token = Token(text, app.agent_id, now + life_s)
            self._known[text] = self._current[app.agent_id] = token
        return token

    def check(self, text: str, now: int) -> int:
        """The agent_id behind a token; 41001, 40014 or 42001."""
        if not text:
            raise Refusal(41001)
        token = self._known.get(text)
        if token is None:
            raise Refusal(40014)
        if token.expires_at <= now:
            raise Refusal(42001)
        return token.agent_id

    def expire(self, now: int) -> int:
        """End every living token early (42001 from now on); returns how many."""
        living = [t for t in self._known.values() if t.expires_at > now]
        for token in living:
            token.expires_at = now
        return len(living)

    def kill(self) -> int:
        """Forget every token (40014 from now on); returns how many."""
        count = len(self._known)
        self._known.clear()
        self._current.clear()
        return count
