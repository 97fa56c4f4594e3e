"""The outbox: messages wait here, are folded where many came at once, and go out as plans.

A message is kept before anything is sent, under an id that is never sent twice. Each target has
one call under way at a time; what comes meanwhile waits, and goes together: so a hundred alarms in
a minute are a few messages, in order, and the limit of a robot is never near.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storeops import paths, times
from storeops.changes import apply as applying
from storeops.changes import plans
from storeops.changes.action import Row
from storeops.database.database import Database
from storeops.domain import guarded, load, registry
from storeops.domains.notify import files, log, targets
from storeops.domains.notify.action import ONCE_S
from storeops.domains.notify.messages import (
    FILE,
    IMAGE,
    KINDS,
    MARKDOWN,
    NEWS,
    TEXT,
    Delivered,
    OutMessage,
    Posted,
)
from storeops.domains.notify.targets import ROBOT, MessageTarget
from storeops.errors import ConflictError, StoreOpsError, UsageError
from storeops.file_lock import try_lock
from storeops.i18n import N_, _, kept, ngettext
from storeops.plain import plain, seen_whole
from storeops.private_file import open_own
from storeops.wecom.messages import ROBOT_MARKDOWN_BYTES, TEXT_BYTES

if TYPE_CHECKING:
    from storeops.changes.ledger import Ledger
    from storeops.operations.wiring import Wiring

FOLDED = (TEXT, MARKDOWN)
OVER = N_("What it was about is over.")
MOST_ARTICLES = 8
_ID_MAX = 200
SEND_S = 60.0  # so long whoever hands a text over waits for it
LOCK_S = 20.0  # so long another process may take to make a plan of what waits


def most_bytes(target: MessageTarget, kind: str) -> int:
    """How long a text may be."""
    return ROBOT_MARKDOWN_BYTES if (target.sender, kind) == (ROBOT, MARKDOWN) else TEXT_BYTES


def keep(
    ledger: Ledger, to: str, message: OutMessage, id: str = "", *, newer: bool = False
) -> Posted:
    """Keep a message; nothing is sent yet.

    Args:
        ledger: the profile's ledger.
        to: name of the target.
        message: what is to be told.
        id: stable name; "" makes one.
        newer: while the text of that id still waits, this one takes its place.

    Raises:
        NotFoundError: there is no such target.
        UsageError: too long, empty, a file that cannot be sent, an id that cannot be one.
        ConflictError: another message has that id.
        PolicyError: read-only.
    """
    ledger.policy.may_write()
    if id and (not seen_whole(id) or len(id) > _ID_MAX):
        raise UsageError(
            _("“{id}” cannot be the id of a message.").format(id=plain(id[:_ID_MAX])),
            hint=_("Use up to {most} characters that can be seen, and no blank at an end.").format(
                most=_ID_MAX
            ),
        )
    target = targets.get(ledger.db, to)
    body, content, data = _checked(target, message)
    now = ledger.clock.now()
    due = now if message.urgent else target.opens_at(now)
    name = id or f"{times.stamp(now)}-{secrets.token_hex(3)}"
    with ledger.db.atomic() as connection:
        if data:
            files.copy(ledger.profile, content["sha256"], data)
        known = connection.execute(
            "SELECT target, body, status, due_at FROM notify_message WHERE id = ?", (name,)
        ).fetchone()
        if known is None:
            connection.execute(
                "INSERT INTO notify_message (id, target, kind, body, content, fold, posted_at,"
                " posted_by, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    name, target.name, message.kind, body,
                    json.dumps(content, ensure_ascii=False),
                    int(message.fold and not (message.about or message.composer)), now,
                    ledger.who, due,
                ),
            )  # fmt: skip
        elif newer and known[2] == log.WAITING and known[0].casefold() == target.name.casefold():
            connection.execute(
                "UPDATE notify_message SET kind = ?, body = ?, content = ? WHERE id = ?",
                (message.kind, body, json.dumps(content, ensure_ascii=False), name),
            )
            known = (known[0], body, *known[2:])
    if known is None:
        return Posted(name, target.name, False, log.WAITING, due)
    if (known[0].casefold(), known[1]) != (target.name.casefold(), body):
        raise ConflictError(
            _("Another message was handed over as {id}.").format(id=name),
            hint=_("Give this one an id of its own."),
        )
    return Posted(name, target.name, True, known[2], known[3])


def id_for(db: Database, id: str, to: str, *, several: bool) -> str:
    """The id of a message that goes to several targets under one name: each has its own.

    Args:
        db: data.db.
        id: what the caller names it.
        to: name of the target.
        several: it goes to others, too. What was handed over before keeps the id it had.
    """
    if not id:
        return ""
    apart = f"{id}/{to}"
    known = db.execute(
        "SELECT id FROM notify_message WHERE target = ? AND (id = ? OR id = ? COLLATE NOCASE)"
        " ORDER BY seq LIMIT 1",
        (to, id, apart),
    ).fetchone()
    return str(known[0]) if known else apart if several else id


def _checked(target: MessageTarget, message: OutMessage) -> tuple[str, dict[str, Any], bytes]:
    """(text for the log, what the plan's row needs beside it, bytes of a file)."""
    if message.kind not in KINDS:
        raise UsageError(
            _("There is no kind of message {kind}.").format(kind=message.kind),
            hint=_("Known: {names}.").format(names=_(", ").join(KINDS)),
        )
    if message.kind in (IMAGE, FILE):
        if message.path is None:
            raise UsageError(_("The message has no file."))
        kept, data = files.take(message.kind, message.path)
        return kept["filename"], kept, data
    if message.kind == NEWS:
        if not 1 <= len(message.articles) <= MOST_ARTICLES:
            raise UsageError(_("A news card has 1 to {most} entries.").format(most=MOST_ARTICLES))
        rows = [
            {"title": each.title, "url": each.url, "description": each.description,
             "picurl": each.picurl}
            for each in message.articles
        ]  # fmt: skip
        return "\n".join(each.title for each in message.articles), {"articles": rows}, b""
    text = message.body.strip("\n")
    most = most_bytes(target, message.kind)
    size = len(text.encode("utf-8", "replace"))
    if not text.strip():
        raise UsageError(_("The message is empty."))
    if size > most:
        raise UsageError(
            _("The message has {size} bytes; {most} are allowed.").format(size=size, most=most),
            hint=_("Shorten it, or send it as a file: --file"),
        )
    content: dict[str, Any] = {"about": list(message.about)} if message.about else {}
    return text, content | ({"composer": message.composer} if message.composer else {}), b""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A message that waits."""

    id: str
    kind: str
    body: str
    content: dict[str, Any]
    fold: bool


def dispatch(ledger: Ledger) -> list[plans.Plan]:
    """Make and apply a plan for each target that has something due and nothing under way."""
    made: list[plans.Plan] = []
    with _alone(ledger.profile):
        _recover(ledger)
        for target in targets.every(ledger.db):
            plan = _next(ledger, target)
            if plan is not None:
                made.append(plan)
    return made


def _next(ledger: Ledger, target: MessageTarget) -> plans.Plan | None:
    db, now = ledger.db, ledger.clock.now()
    busy = db.execute(
        "SELECT 1 FROM notify_message WHERE target = ? AND status = 'queued' LIMIT 1",
        (target.name,),
    ).fetchone()
    if busy is not None:
        return None
    _compose(db, target, now)
    waiting = [
        _Waiting(id, kind, body, json.loads(content), bool(fold))
        for id, kind, body, content, fold in db.execute(
            "SELECT id, kind, body, content, fold FROM notify_message WHERE target = ?"
            " AND status = 'waiting' AND due_at <= ? ORDER BY seq LIMIT 1000",
            (target.name, now),
        )
    ]
    if not waiting:
        return None
    batch, text = _batch(waiting, most_bytes(target, waiting[0].kind))
    first = batch[0]
    ids = [each.id for each in batch]
    extra = {
        "target_name": target.name, "made_at": now, "target": target.id,
        "sender": target.sender, "ids": ids,
        "receivers": dict(target.receivers),
        "alone": first.kind in (*FOLDED, NEWS) and not _said_lately(db, target, text, now),
    }  # fmt: skip
    row = Row(
        1, subject=f"{target.name}/{first.id}",
        after={"kind": first.kind, "text": text,
               **{key: value for key, value in first.content.items() if key != "composer"}},
        extra=extra,
    )  # fmt: skip
    # Nothing of the text: a title cut in the middle of an id or a name hides it from an erasure.
    title = kept(N_("Message to {name}"), name=target.name)
    plan = plans.make(ledger, "notify", [row], title=title)
    with db.atomic() as connection:
        connection.executemany(
            "UPDATE notify_message SET status = 'queued', plan = ?, plan_id = ? WHERE id = ?",
            [(plan.name, plan.id, each) for each in ids],
        )
    return _apply(ledger, plan)


def _compose(db: Database, target: MessageTarget, now: float) -> None:
    """Word anew what waited, where somebody can; what is to be said no more is cancelled."""
    rows = db.execute(
        "SELECT id, body, content FROM notify_message WHERE target = ? AND status = 'waiting'"
        " AND due_at <= ? AND content LIKE '%\"composer\"%'",
        (target.name, now),
    ).fetchall()
    composers = registry().named("composers") if rows else {}
    for id, body, content in rows:
        text, composer = body, json.loads(content)["composer"]
        if composer in composers:
            domain, where = composers[composer]
            with guarded(domain):  # one that fails holds nothing up: it goes as it waited
                text = load(where)(db, id, now)
        if text != body:
            change, values = ("body = ?", (text,)) if text else (
                "status = 'cancelled', note = ?, settled_at = ?", (kept(OVER), now))  # fmt: skip
            with db.atomic() as connection:
                connection.execute(
                    f"UPDATE notify_message SET {change} WHERE id = ? AND status = 'waiting'",
                    (*values, id),
                )


def _batch(waiting: Sequence[_Waiting], most: int) -> tuple[list[_Waiting], str]:
    """The messages that go now, in order, and their text: the first, and what folds with it."""
    first = waiting[0]
    if not first.fold or first.kind not in FOLDED:
        return [first], first.body if first.kind in FOLDED else ""
    together = [first]
    for each in waiting[1:]:
        if not each.fold or each.kind != first.kind:
            break
        if len(_folded([*together, each]).encode()) > most:
            break
        together.append(each)
    return together, _folded(together)


def _folded(messages: Sequence[_Waiting]) -> str:
    if len(messages) == 1:
        return messages[0].body
    head = ngettext("{count} message:", "{count} messages:", len(messages)).format(
        count=len(messages)
    )
    return "\n".join([head, *(f"· {each.body}" for each in messages)])


def _said_lately(db: Database, target: MessageTarget, text: str, now: float) -> bool:
    """Whether the same was sent there not long ago: WeCom's check must not swallow this one."""
    found = db.execute(
        "SELECT 1 FROM notify_message WHERE target = ? AND body = ? AND status <> 'waiting'"
        " AND posted_at > ? LIMIT 1",
        (target.name, text, now - ONCE_S),
    ).fetchone()
    return found is not None


def _apply(ledger: Ledger, plan: plans.Plan) -> plans.Plan | None:
    """Queue it; a plan that cannot go leaves its messages failed, with the reason."""
    try:
        return applying.apply(ledger, plan.name).plan
    except StoreOpsError as error:
        with ledger.db.atomic() as connection:
            connection.execute(
                "UPDATE notify_message SET status = 'failed', note = ?, settled_at = ?"
                " WHERE plan = ? AND status = 'queued'",
                (error.to_keep[0], ledger.clock.now(), plan.name),
            )
        return None


def _recover(ledger: Ledger) -> None:
    """Messages whose plan a crash, a person or a restore has left behind."""
    for (name,) in ledger.db.execute(
        "SELECT DISTINCT plan FROM notify_message WHERE status = 'queued'"
    ).fetchall():
        status = log.GONE
        with suppress(StoreOpsError):
            plan = plans.get(ledger.db, name)
            if plan.status == plans.APPLIED:
                continue
            if plan.status == plans.MADE:
                if ledger.clock.now() < plan.expires_at:
                    _apply(ledger, plan)
                    continue
                status = log.WAITING  # it was never sent: another plan takes it
        with ledger.db.atomic() as connection:
            connection.execute(
                "UPDATE notify_message SET status = ?, plan = '', plan_id = NULL WHERE plan = ?"
                " AND status = 'queued'",
                (status, name),
            )


@contextmanager
def _alone(profile: str) -> Iterator[None]:
    """One process at a time makes plans of what waits."""
    folder = paths.profile_dir(profile)
    handle = open_own(folder / "outbox.lock", os.O_RDWR | os.O_CREAT)
    try:
        until = time.monotonic() + LOCK_S
        while not try_lock(handle):
            if time.monotonic() >= until:
                raise ConflictError(
                    _("Another process is sending messages."), hint=_("Try again in a moment.")
                )
            time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def retry(ledger: Ledger, ids: Sequence[str] = ()) -> list[str]:
    """Let messages that failed wait again, in their order; their ids.

    Args:
        ledger: the profile's ledger.
        ids: which; () for all that failed. Those of which nobody knows whether they arrived only
            when they are named.

    Raises:
        NotFoundError: there is no such message.
        UsageError: one that did not fail.
        PolicyError: read-only.
    """
    ledger.policy.may_write()
    now = ledger.clock.now()
    again: list[log.LoggedMessage] = []
    with ledger.db.atomic() as connection:
        if ids:
            chosen = [log.get(ledger.db, each) for each in dict.fromkeys(ids)]
        else:
            chosen = log.messages(ledger.db, statuses=(log.FAILED,))
        for each in chosen:
            done = connection.execute(
                "UPDATE notify_message SET status = 'waiting', plan = '', note = '',"
                " errcode = NULL, due_at = ? WHERE id = ? AND status IN ('failed', 'uncertain')",
                (now, each.id),
            )
            if done.rowcount:
                again.append(each)
            elif ids:
                raise UsageError(
                    _("The message {id} is {status}; only what failed is sent again.").format(
                        id=each.id, status=_(log.WORDS[each.status])
                    )
                )
    return [each.id for each in sorted(again, key=lambda each: each.seq)]


def post(app: Wiring, to: str, message: OutMessage, *, id: str = "", newer: bool = False) -> Posted:
    """`keep` for a profile; sent by `deliver`."""
    return keep(app.ledger, to, message, id, newer=newer)


def send(app: Wiring, name: str, text: str, ident: str) -> None:
    """What `Domain.senders` names: hand a text over and try to send it; the same ident once.

    Args:
        app: the profile.
        name: of the target.
        text: cut where it is longer than any target takes.
        ident: stable name of the message.

    Raises:
        NotFoundError: there is no such target.
        PolicyError: read-only.
    """
    with suppress(ConflictError):  # it was handed over, in other words
        post(app, name, OutMessage(TEXT, cut(text)), id=ident)
    deliver(app, seconds=SEND_S)


def cut(text: str, most: int = TEXT_BYTES) -> str:
    """A text of at most so many bytes of UTF-8; … stands at the end of one that was longer."""
    whole = text.encode("utf-8", "replace")
    if len(whole) <= most:
        return text
    return f"{whole[: most - len('…'.encode())].decode('utf-8', 'ignore')}…"


def deliver(
    app: Wiring, *, seconds: float | None = None, stop: threading.Event | None = None
) -> Delivered:
    """Send what waits until nothing can be sent now, or the time is over.

    Args:
        app: the profile.
        seconds: end after so long; what is left waits. None: no bound.
        stop: ends it after the call in flight.
    """
    until = None if seconds is None else app.clock.monotonic() + seconds
    before = log.counts(app.data)
    calls = 0
    while not (stop is not None and stop.is_set()):
        made = dispatch(app.ledger)
        left = None if until is None else max(0.0, until - app.clock.monotonic())
        under_way = made or _under_way(app.ledger)
        if not under_way or left == 0.0:
            break
        calls += len(made)
        stuck = False
        for plan in under_way:
            left = None if until is None else max(0.0, until - app.clock.monotonic())
            report = app.worker(stop=stop).run(plan_id=plan.id, seconds=left)
            stuck = stuck or report.ended != "empty"
        if stuck and not made:
            break
    files.remove_unused(app.profile.name, app.data)
    now = log.counts(app.data)
    return Delivered(
        sum(now[each] - before[each] for each in (log.SENT, log.PARTLY)),
        sum(now[each] - before[each] for each in (log.FAILED, log.UNCERTAIN)),
        now[log.WAITING] + now[log.IN_QUEUE],
        calls,
    )


def _under_way(ledger: Ledger) -> list[plans.Plan]:
    """Plans that carry messages and were not answered yet."""
    names = ledger.db.execute(
        "SELECT DISTINCT plan FROM notify_message WHERE status = 'queued' ORDER BY plan"
    ).fetchall()
    return [plans.get(ledger.db, name) for (name,) in names]
