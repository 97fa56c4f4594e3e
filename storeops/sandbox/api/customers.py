"""Customers, reads (doc 92571, 92113, 92114, 92994)."""

from __future__ import annotations

from bisect import bisect_left

from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.organisation import Member
from storeops.sandbox.refusals import Refusal, parameter

FOLLOWERS_PER_PAGE = 500  # of externalcontact/get


def contact_members(call: Call) -> list[Member]:
    """Present members the app sees who have customer contact."""
    scope = call.scope
    return [
        m
        for m in call.corp.organisation.members
        if m.customer_contact and m.number in scope.members
    ]


@endpoint(
    "externalcontact/get_follow_user_list", Need.CUSTOMERS, body=False, lists=("follow_user",)
)
def get_follow_user_list(call: Call) -> Answer:
    """doc 92571."""
    return Answer({"follow_user": [dumps(m.userid) for m in contact_members(call)]})


@endpoint("externalcontact/list", Need.CUSTOMERS, body=False, lists=("external_userid",))
def externalcontact_list(call: Call) -> Answer:
    """doc 92113: every customer of one member, unpaged; a member without any is 84061."""
    member = call.contact_member(call.query.get("userid", ""))
    people, follows = call.corp.customers, call.corp.follows
    rows = [b'"%b"' % people.id_bytes(follows.customer[f]) for f in call.corp.held_by(member)]
    if not rows and call.settings.empty_member_errcode:
        raise Refusal(call.settings.empty_member_errcode)
    return Answer({"external_userid": rows})


def visible_follows(call: Call, customer: int) -> list[int]:
    """Follows of one customer by members the app sees, oldest first.

    84061 when nobody of the corp follows, 40096 when only people out of sight do.
    """
    corp = call.corp
    present = [
        f
        for f in corp.follows.of_customer(corp.customers, customer)
        if corp.organisation.members[corp.follows.member[f]].left_at == 0
    ]
    if not present:
        raise Refusal(84061)
    members = call.scope.members
    seen = [
        f
        for f in present
        if corp.follows.member[f] in members and corp.member_of(f).customer_contact
    ]
    if not seen:
        raise Refusal(40096, f"invalid external userid: `{corp.customers.id(customer)}`")
    return sorted(seen)


@endpoint("externalcontact/get", Need.CUSTOMERS, body=False, lists=("follow_user",))
def externalcontact_get(call: Call) -> Answer:
    """doc 92114: one customer with everybody who follows, 500 at a time."""
    corp = call.corp
    customer = call.customer(call.query.get("external_userid", ""))
    follows = visible_follows(call, customer)
    query = corp.customers.id_bytes(customer)
    start, end, cursor = call.page(
        len(follows), FOLLOWERS_PER_PAGE, call.query.get("cursor", ""), query
    )
    answer = Answer(
        {
            "external_contact": corp.customers.as_json(customer, call.settings.unionid_bound),
            "follow_user": [corp.follow_user_row(f) for f in follows[start:end]],
        }
    )
    if cursor:
        answer.fields["next_cursor"] = dumps(cursor)
    return answer


@endpoint("externalcontact/batch/get_by_user", Need.CUSTOMERS, lists=("external_contact_list",))
def batch_get_by_user(call: Call) -> Answer:
    """doc 92994: rows of up to 100 members, 100 rows a page; a larger limit is clamped."""
    userids = call.body.texts("userid_list")
    if not userids and call.settings.batch_legacy_userid and call.body.text("userid"):
        userids = [call.body.text("userid")]
    if not userids:
        raise Refusal(call.settings.batch_empty_list_errcode)
    if len(userids) > 100:
        raise parameter("userid_list", "exceed max size 100")
    limit = call.body.number("limit") or 50
    if limit < 0:
        raise parameter("limit", "must be positive")
    members = _batch_members(call, userids)
    query = "\n".join(userids).encode("utf-8", "replace")
    at, after = call.place(call.body.text("cursor"), query)
    rows, at, after = _batch_page(call, members, at, after, call.page_size(min(limit, 100)))
    if not any(call.corp.held_by(m) for m in members) and call.settings.batch_empty_errcode:
        raise Refusal(call.settings.batch_empty_errcode)
    more = at < len(members)
    return Answer(
        {
            "external_contact_list": rows,
            "next_cursor": dumps(call.cursor(query, at, after) if more else ""),
            "fail_info": b'{"unlicensed_userid_list":[]}',
        }
    )


def _batch_members(call: Call, userids: list[str]) -> list[Member]:
    """The members of a batch, each once; a bad one fails the call or is left out."""
    found: dict[int, Member] = {}
    for userid in userids:
        try:
            member = call.contact_member(userid)
        except Refusal as refusal:
            if refusal.errcode in (call.settings.no_contact_errcode, 84061):
                continue  # without customer contact there is nothing to list
            if call.settings.batch_bad_member == "skip":
                continue
            raise
        found[member.number] = member
    return list(found.values())


def _batch_page(
    call: Call, members: list[Member], at: int, after: int, size: int
) -> tuple[list[bytes], int, int]:
    """Rows from member number `at`, follows beyond `after` - 1, and where the next page begins.

    Places are follow numbers, not offsets, so rows that come and go meanwhile shift nothing.
    """
    corp, unionids = call.corp, call.settings.unionid_bound
    rows: list[bytes] = []
    while at < len(members):
        held = corp.held_by(members[at])
        first = bisect_left(held, after)
        last = min(first + size - len(rows), len(held))
        rows += [corp.batch_row(f, unionids) for f in held[first:last]]
        if last < len(held):
            return rows, at, held[last]
        at, after = at + 1, 0
        if len(rows) == size:
            break
    while at < len(members) and not corp.held_by(members[at]):
        at += 1  # no empty last page
    return rows, at, after
