"""Erasure: a customer's ids and phone numbers in names and states of contact ways."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from storeops.changes.erased_text import in_texts, without
from storeops.i18n import _
from storeops.mirror import meta


def still_held() -> str:
    """What WeCom holds on to, and how it is taken out there."""
    return _(
        "WeCom still holds what was taken out of names and states of contact ways, and the next"
        " reading brings it back: `storeops contact-way list` shows “…” there, and"
        " `storeops contact-way plan update ID --remark NAME --state STATE` changes it in WeCom."
    )


def forget_customer(
    connection: sqlite3.Connection, external_userid: str, ids: Iterable[str] = ()
) -> int:
    """Take a customer's ids out of names and states, inside a transaction. Returns the rows.

    WeCom keeps a name until somebody changes it there: the next reading brings it back.
    """
    words = sorted(in_texts({external_userid, *ids}), key=len, reverse=True)
    done = 0
    for number, *texts in connection.execute(
        "SELECT id, remark, state FROM contact_way"
    ).fetchall():
        fresh = [without(each, words) for each in texts]
        if fresh != texts:
            connection.execute(
                "UPDATE contact_way SET remark = ?, state = ? WHERE id = ?", (*fresh, number)
            )
            done += 1
    if done:
        meta.bump_revision(connection)
    return done
