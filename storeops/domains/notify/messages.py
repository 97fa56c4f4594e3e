"""What a message is, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TEXT, MARKDOWN, IMAGE, FILE, NEWS = "text", "markdown", "image", "file", "news"
KINDS = (TEXT, MARKDOWN, IMAGE, FILE, NEWS)


@dataclass(frozen=True, slots=True)
class Article:
    """One entry of a news card."""

    title: str
    url: str
    description: str = ""
    picurl: str = ""


@dataclass(frozen=True, slots=True)
class OutMessage:
    """What is to be told.

    Attributes:
        kind: text | markdown | image | file | news.
        body: of a text or markdown; else what it is, for lists.
        path: the file of an image or a file.
        articles: of a news card, 1 to 8.
        fold: may become part of one message with others that wait for the same target.
        about: external_userids of customers whom a text names: an erasure of one of them finds it.
            Such a text is never folded.
        urgent: is sent in quiet hours, too.
        composer: who words a text anew when it goes out (`Domain.composers`), "" nobody. Such a
            text is never folded.
    """

    kind: str
    body: str = ""
    path: Path | None = None
    articles: Sequence[Article] = ()
    fold: bool = True
    about: Sequence[str] = ()
    urgent: bool = False
    composer: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that was handed over.

    Attributes:
        id: stable; the same id is never sent twice.
        to: the target.
        known: it had been handed over before, and nothing was done now.
        status: waiting, queued, sent, partly, failed, uncertain or cancelled.
        due_at: when it may be sent (after quiet hours), Unix seconds.
    """

    id: str
    to: str
    known: bool
    status: str
    due_at: float


@dataclass(frozen=True, slots=True)
class Delivered:
    """How a round of sending ended.

    Attributes:
        sent: messages that arrived, as far as the answers tell.
        failed: messages that were refused, or of which nobody knows whether they arrived.
        waiting: messages that wait still: for their hour, or for a limit.
        calls: how many were really sent: folded ones are one.
    """

    sent: int = 0
    failed: int = 0
    waiting: int = 0
    calls: int = 0
