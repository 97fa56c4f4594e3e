"""What arrives at people and groups: robots, app messages, chats, media; the inbox shows it.

Nothing of it is part of a saved state.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections import defaultdict, deque
from typing import Any

from storeops.sandbox.ids import digest

MEDIA_LIFE_S = 3 * 86_400
DUPLICATES_S = 14_400  # the longest window of the duplicate check

Sender = str | tuple[int, str]  # what is limited by the minute: a robot's key; an app and a member


@dataclasses.dataclass(slots=True)
class Robot:
    """A robot of a group: its key, the group's name, whether somebody stopped or removed it."""

    key: str
    name: str
    stopped: bool = False
    removed: bool = False


@dataclasses.dataclass(slots=True)
class AppChat:
    """A group of members that an app has made."""

    chatid: str
    agent_id: int
    name: str
    owner: str
    members: list[str]


@dataclasses.dataclass(slots=True)
class Media:
    """A file that was uploaded; `owner` is a robot's key, "" for the apps of the corp."""

    media_id: str
    kind: str
    filename: str
    size: int
    owner: str
    created_at: int
    data: bytes = dataclasses.field(default=b"", repr=False)


@dataclasses.dataclass(slots=True)
class Arrived:
    """One message as it reached somebody."""

    at: int
    to: str
    kind: str
    body: str
    msgid: str = ""
    recalled: bool = False

    def as_json(self) -> dict[str, Any]:
        """As the control side shows it."""
        return dataclasses.asdict(self)


class Mail:
    """Robots by key, app chats and media by id, and everything that arrived, in order."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.robots: dict[str, Robot] = {}
        self.chats: dict[str, AppChat] = {}
        self.media: dict[str, Media] = {}
        self.inbox: list[Arrived] = []
        self._sent_at: dict[Sender, deque[int]] = defaultdict(deque)  # seconds
        self._sent: dict[tuple[int, bytes], int] = {}  # (agent, request) → when

    def robot(self, name: str) -> Robot:
        """The robot of a group of this name, made when there is none."""
        for each in self.robots.values():
            if each.name == name:
                return each
        key = str(uuid.UUID(bytes=digest(self._seed, "robot", name)))
        made = self.robots[key] = Robot(key, name)
        return made

    def crowded(self, sender: Sender, now: int, limit: int) -> bool:
        """Count one message; whether it was one too many for any 60 seconds."""
        times = self._sent_at[sender]
        while times and times[0] <= now - 60:
            times.popleft()
        if len(times) >= limit:
            return True
        times.append(now)
        return False

    def repeated(self, agent_id: int, raw: bytes, now: int, window_s: int) -> bool:
        """Whether the same request was delivered within the window (doc 90236)."""
        last = self._sent.get((agent_id, raw))
        if last is not None and now - last < window_s:
            return True
        self._sent[agent_id, raw] = now
        return False

    def keep(self, kind: str, filename: str, data: bytes, owner: str, now: int) -> Media:
        """A file that was uploaded, or sent by a member; what is too old is forgotten."""
        for each in self.media.values():
            if now >= each.created_at + MEDIA_LIFE_S:
                each.data = b""
        name = digest(self._seed, "media", len(self.media), size=16).hex()
        made = Media(f"3{name}", kind, filename, len(data), owner, now, data)
        self.media[made.media_id] = made
        return made

    def medium(self, media_id: str, kind: str, owner: str, now: int) -> Media | None:
        """A file that this sender may use now."""
        found = self.media.get(media_id)
        fits = found is not None and (found.kind, found.owner) == (kind, owner)
        if found is None or not fits or now >= found.created_at + MEDIA_LIFE_S:
            return None
        return found
