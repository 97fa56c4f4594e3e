"""All served external contacts, customers or not (doc 99434)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from storeops.sandbox.api.customers import contact_members
from storeops.sandbox.corp import Corp
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.ids import digest
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.refusals import parameter

_STRANGERS = 0xFFFFFFFF  # the place behind the last member


def tmp_openid(call: Call, external_userid: str) -> str:
    """Opaque, the same for some hours only."""
    window = call.now // max(1, call.settings.tmp_openid_life_s)
    return "tmp" + digest(call.corp.seed, "tmp", window, external_userid, size=14).hex()


def _masked(name: str) -> str:
    return name[:1] + "**"


def _strangers(call: Call) -> list[dict[str, Any]]:
    """Group members who are nobody's customer, one row per group."""
    corp, scope = call.corp, call.scope
    rows = []
    for group in corp.groups.values():
        if group.dissolved or group.owner not in scope.members:
            continue
        for seat in group.seats:
            if seat.kind == 2 and _not_followed(corp, seat.who):
                name = (
                    corp.strangers[-seat.who - 1]
                    if seat.who < 0
                    else corp.customers.name_text(seat.who)
                )
                external = (
                    corp.stranger_id(-seat.who) if seat.who < 0 else corp.customers.id(seat.who)
                )
                rows.append(
                    {
                        "is_customer": False,
                        "tmp_openid": tmp_openid(call, external),
                        "name": _masked(name),
                        "chat_id": group.chat_id,
                        "chat_name": group.name,
                        "add_time": seat.join_time,
                    }
                )
    return rows


def _not_followed(corp: Corp, who: int) -> bool:
    return who < 0 or next(corp.follows.of_customer(corp.customers, who), -1) < 0


def _customers(call: Call, number: int, after: int) -> Iterator[tuple[int, int]]:
    """(member number, follow) from a place on."""
    for member in contact_members(call):
        if member.number >= number:
            for follow in call.corp.held_by(member):
                if member.number > number or follow >= after:
                    yield member.number, follow


@endpoint("externalcontact/contact_list", Need.CUSTOMERS, lists=("info_list",))
def contact_list(call: Call) -> Answer:
    """doc 99434: one row per adding member or per group; self-built apps only."""
    limit = call.body.number("limit") or 1000
    if limit < 0:
        raise parameter("limit", "must be positive")
    size = call.page_size(min(limit, call.settings.contact_list_max))
    first, after = call.place(call.body.text("cursor"), b"")
    rows: list[bytes] = []
    if first != _STRANGERS:
        found = list(islice(_customers(call, first, after), size + 1))
        rows = [_customer_row(call, follow) for _, follow in found[:size]]
        if len(found) > size:
            return _answer(rows, call.cursor(b"", *found[size]))
        after = 0
    strangers = _strangers(call)
    end = min(after + size - len(rows), len(strangers))
    rows += [dumps(r) for r in strangers[after:end]]
    return _answer(rows, call.cursor(b"", _STRANGERS, end) if end < len(strangers) else "")


def _customer_row(call: Call, follow: int) -> bytes:
    corp = call.corp
    external_userid = corp.customer_id(follow)
    return dumps(
        {
            "is_customer": True,
            "tmp_openid": tmp_openid(call, external_userid),
            "external_userid": external_userid,
            "follow_userid": corp.member_of(follow).userid,
            "add_time": corp.follows.created[follow],
        }
    )


def _answer(rows: list[bytes], cursor: str) -> Answer:
    return Answer({"info_list": rows, "next_cursor": dumps(cursor)})
