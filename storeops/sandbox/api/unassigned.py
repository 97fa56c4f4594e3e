"""Customers of members who left (doc 92124)."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.refusals import parameter

_LEGACY_END = 50_000  # page_id * page_size must stay below


@endpoint("externalcontact/get_unassigned_list", Need.CUSTOMERS, lists=("info",))
def get_unassigned_list(call: Call) -> Answer:
    """doc 92124: one row per leaver and customer, latest leaver first; cursor or page_id."""
    body, corp = call.body, call.corp
    size = body.number("page_size") or 1000
    if not 1 <= size <= 1000:
        raise parameter("page_size", "must be between 1 and 1000")
    leavers = corp.leavers()
    if call.settings.unassigned_narrow_scope == "none" and not call.scope.whole:
        leavers = []
    ends = list(accumulate(len(corp.held_by(m)) for m in leavers))
    total = ends[-1] if ends else 0
    cursor, page_id = body.text("cursor"), body.number("page_id")
    by_page = page_id > 0 and not cursor
    if by_page:
        start = page_id * size
        if page_id < 0 or start >= _LEGACY_END:
            raise parameter("page_id", "multiplied by page_size must be below 50000")
        end = min(start + size, total)
        following = ""
    else:
        start, end, following = call.page(total, size, cursor, b"")
    rows: list[bytes] = []
    at = bisect_right(ends, start)
    while start < end and at < len(leavers):
        member = leavers[at]
        held = corp.held_by(member)
        before = ends[at] - len(held)
        for follow in held[start - before : end - before]:
            rows.append(
                b'{"handover_userid":%b,"external_userid":"%b","dimission_time":%d}'
                % (
                    dumps(member.userid),
                    corp.customers.id_bytes(corp.follows.customer[follow]),
                    member.left_at,
                )
            )
        start = ends[at]
        at += 1
    answer = Answer({"info": rows, "is_last": dumps(end >= total)})
    if not by_page:
        answer.fields["next_cursor"] = dumps(following)
    return answer
