"""Submissions of back offices as head office takes them in: each once, about their own alone."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from typing import Any

from storeops.changes.ledger import Ledger
from storeops.changes.submissions import NotTheirsError, Submission, SubmissionKind
from storeops.domain import registry
from storeops.errors import StoreOpsError
from storeops.hub import attempts, outbox
from storeops.i18n import N_, kept
from storeops.mirror.shared import members_of_departments

MOST_BYTES = 20_000  # of one submission
MOST_DAY = 20_000  # submissions of a shop in a day
KEPT_S = 30 * 86_400.0  # so long a submission is known again


def take(
    ledger: Ledger,
    connection: sqlite3.Connection,
    store: int,
    code: str,
    head: dict[str, Any],
    data: bytes,
) -> dict[str, Any]:
    """Write what a shop submits, in a write transaction; what comes again was written already.

    Args:
        ledger: of head office.
        connection: in a write transaction.
        store: department id of the shop.
        code: its number.
        head: of the message, whose signature is the shop's.
        data: the submission.

    Returns:
        `{"submitted": true, "refused": why, or ""}`.
    """
    now, name, kind = ledger.clock.now(), head["request_id"], str(head["submission"])[:40]
    known = connection.execute(
        "SELECT refused FROM hub_submission WHERE store = ? AND name = ?", (store, name)
    ).fetchone()
    if known is not None:
        return {"submitted": True, "refused": known[0]}
    (today,) = connection.execute(
        "SELECT count(*) FROM hub_submission WHERE store = ? AND at >= ?", (store, now - 86_400)
    ).fetchone()
    if today >= MOST_DAY:
        return {"refused": kept(N_("This shop has asked too often today: ask again tomorrow."))}
    refused = _written(ledger, connection, store, code, kind, name, data)
    connection.execute(
        "DELETE FROM hub_submission WHERE store = ? AND at < ?", (store, now - KEPT_S)
    )
    connection.execute(
        "INSERT INTO hub_submission (store, name, at, refused) VALUES (?, ?, ?, ?)",
        (store, name, now, refused),
    )
    return {"submitted": True, "refused": refused}


def _written(
    ledger: Ledger, connection: sqlite3.Connection, store: int, code: str, kind: str, name: str,
    data: bytes,
) -> str:  # fmt: skip
    """Why a submission was not written; "" when it was."""
    odd = kept(N_("Head office does not understand what is asked."))
    domain, where = registry().named("submissions").get(kind, (None, ""))
    ours: SubmissionKind | None = registry().loaded(domain, where) if domain is not None else None
    if ours is None:
        return kept(N_("Head office does not know this submission: it may be of another version."))
    departments = sorted(outbox.departments_of(connection, store))
    try:
        if len(data) > MOST_BYTES:
            raise ValueError("too large")
        told = json.loads(data)
        by, at = str(told["by"])[:120], min(float(told["at"]), ledger.clock.now())
        members = members_of_departments(connection, departments)
        submission = Submission(dict(told["body"]), members, f"{code}/{by}", at)
        key = ours.about(ledger.db, submission)
        # the shop wrote it ahead of us: it gets what we have then, in any case
        outbox.publish_again(connection, ours.thing, key, store, time.time())
        with ledger.db.atomic():
            ours.write(ledger.db, submission)
    except NotTheirsError as error:
        attempts.record(ledger, connection, "not_its_own", code, f"{name}, {error}")
        return odd
    except StoreOpsError as error:
        return error.message
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        logging.getLogger(__name__).warning(
            "a submission is not understood: %s", type(error).__name__
        )
        attempts.record(ledger, connection, "unreadable", code, name)
        return odd
    return ""
