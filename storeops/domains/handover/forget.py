"""Forget one customer: snapshots, complaints and the names of attempts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from storeops.mirror.forget import texts

_NAMES = ("remark", "description", "remark_corp_name", "personal_tags")


def words_of(connection: sqlite3.Connection, external_userid: str) -> tuple[set[str], set[str]]:
    """(phone numbers, remarks and other words) that snapshots keep of a customer."""
    ids, names = set[str](), set[str]()
    for (snapshot,) in connection.execute(
        "SELECT snapshot FROM handover WHERE subject = ? AND snapshot IS NOT NULL",
        (external_userid,),
    ):
        value = json.loads(snapshot)
        ids.update(texts(value.get("remark_mobiles", [])))
        for name in _NAMES:
            names.update(texts(value.get(name, "")))
    return ids - {""}, names - {""}


def forget_customer(
    connection: sqlite3.Connection, external_userid: str, ids: Iterable[str] = ()
) -> int:
    """Empty the attempts of a customer, in a write transaction. Returns the rows.

    The attempts stay for the report, without the person; the 90-day rule no longer knows them.
    """
    connection.execute("DELETE FROM handover_trouble WHERE subject = ?", (external_userid,))
    return connection.execute(
        "UPDATE handover SET subject = 'erased/' || plan_id || '/' || row, snapshot = NULL"
        " WHERE subject = ?",
        (external_userid,),
    ).rowcount
