"""Forget one customer: every fact, its history and its place in the search index.

The mirror is a copy: whoever is still in WeCom comes back with the next sync.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from storeops.mirror import column_store, index_text, meta

_OWN = ("name", "remark", "description", "mobiles", "remark_corp_name")  # fields of the timeline
_BY_CUSTOMER = ("mark_item", "timeline", "follow")
_BY_ID = (
    ("unassigned", "external_userid"),
    ("group_member", "member"),
    ("sync_listed", "subject"),
    ("sync_failure", "subject"),
)


def words_of(connection: sqlite3.Connection, external_userid: str) -> tuple[set[str], set[str]]:
    """(ids and phone numbers, names and remarks) by which the mirror knows a customer."""
    ids, names = {external_userid}, set[str]()
    person = connection.execute(
        "SELECT id, name, unionid, position, corp_name FROM customer WHERE external_userid = ?",
        (external_userid,),
    ).fetchone()
    if person is not None:
        key, name, unionid, position, corp_name = person
        ids.add(unionid)
        names |= {name, position, corp_name}
        for remark, description, company, mobiles in connection.execute(
            "SELECT remark, description, remark_corp_name, mobiles FROM follow"
            " WHERE customer_id = ?",
            (key,),
        ):
            names |= {remark, description, company}
            ids.update(json.loads(mobiles))
        for field, *values in connection.execute(
            "SELECT field, before, after FROM timeline WHERE customer_id = ?", (key,)
        ):
            if field in _OWN:
                into = ids if field == "mobiles" else names
                into.update(each for value in values if value for each in texts(json.loads(value)))
    for member_names in connection.execute(
        "SELECT name, group_nickname FROM group_member WHERE member = ?", (external_userid,)
    ):
        names.update(member_names)
    return ids - {""}, names - {""}


def texts(value: Any) -> Iterator[str]:
    """Every text within a value of JSON, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def forget_customer(connection: sqlite3.Connection, external_userid: str) -> int:
    """Delete what the mirror knows of a customer, in a write transaction. Returns the rows."""
    rows = 0
    person = connection.execute(
        "SELECT id FROM customer WHERE external_userid = ?", (external_userid,)
    ).fetchone()
    if person is not None:
        key = person[0]
        before = index_text.touched_texts(connection, [key])
        if before:
            from storeops.mirror.search import index_customers

            index_customers(connection, [(key, before[key], None)])
        connection.execute(
            "DELETE FROM follow_tag WHERE follow_id IN"
            " (SELECT id FROM follow WHERE customer_id = ?)",
            (key,),
        )
        for table in _BY_CUSTOMER:
            rows += connection.execute(
                f"DELETE FROM {table} WHERE customer_id = ?", (key,)
            ).rowcount
        rows += connection.execute("DELETE FROM customer WHERE id = ?", (key,)).rowcount
        column_store.drop(connection)
    for table, column in _BY_ID:
        rows += connection.execute(
            f"DELETE FROM {table} WHERE {column} = ?", (external_userid,)
        ).rowcount
    if rows:
        meta.bump_revision(connection)
    return rows


def compact_search(connection: sqlite3.Connection) -> None:
    """Merge the search indexes, so that words nobody has any more leave the file."""
    for table in ("search_text", "search_pinyin"):
        connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")
