"""Follows as planners need them: by pair, or of chosen customers; always in few statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from storeops.changes.action import READY, Verdict, blocked
from storeops.changes.problems import Problem
from storeops.changes.rows import chunks
from storeops.database.database import Database
from storeops.i18n import _

CHUNK = 400
GONE = ("missing", "lost", "handed_over")  # statuses of follows that WeCom does not list
HANDFUL = 20  # follows of a shop that are never alarming
_FIELDS = (
    "f.id, c.id, c.external_userid, c.name, c.type, s.userid, s.name, s.status, f.store_id,"
    " f.status, f.tags_known, f.createtime, f.remark, f.description, f.remark_corp_name, f.mobiles"
)


@dataclass(frozen=True, slots=True)
class Relation:
    """One follow with what planners look at.

    Attributes:
        follow_id, customer_id: keys inside the mirror.
        external_userid, name, type: the customer (type 1 WeChat, 2 WeCom).
        userid, staff_name, staff_status: the member.
        store_id: department of the member's shop, 0 unknown.
        status: active | missing | lost | unassigned | out_of_scope.
        tags_known: whether the mirror has ever read the tags.
        createtime: when the follow began, Unix seconds.
        remark, description, company, mobiles: as WeCom has them; mobiles is a JSON list.
    """

    follow_id: int
    customer_id: int
    external_userid: str
    name: str
    type: int
    userid: str
    staff_name: str
    staff_status: str
    store_id: int
    status: str
    tags_known: int
    createtime: int
    remark: str
    description: str
    company: str
    mobiles: str


def by_pairs(db: Database, pairs: Sequence[tuple[str, str]]) -> list[Relation | None]:
    """The follow of each (userid, external_userid), None where the mirror knows none."""
    found: dict[tuple[str, str], Relation] = {}
    for part in chunks(list(dict.fromkeys(pairs)), CHUNK):
        values = ",".join(["(?,?)"] * len(part))
        for record in db.execute(
            f"WITH wanted (userid, external_userid) AS (VALUES {values})"
            f" SELECT {_FIELDS} FROM wanted CROSS JOIN customer AS c"
            " ON c.external_userid = wanted.external_userid"
            " JOIN staff AS s ON s.userid = wanted.userid"
            " JOIN follow AS f ON f.customer_id = c.id AND f.staff_id = s.id",
            [each for pair in part for each in pair],
        ):
            relation = Relation(*record)
            found[relation.userid.lower(), relation.external_userid] = relation
    return [found.get((userid.lower(), customer)) for userid, customer in pairs]


def of_customers(
    db: Database,
    customers: Iterable[int],
    *,
    owners: Sequence[str] = (),
    store_ids: Sequence[int] | None = None,
) -> Iterator[list[Relation]]:
    """The follows of each customer that has any, newest first; lost ones are left out.

    Args:
        db: data.db.
        customers: customer.id, in the order wished for.
        owners: only these members' follows (userids); () for everybody's.
        store_ids: only follows of these departments.
    """
    stores = "" if store_ids is None else f" AND f.store_id IN ({','.join(map(str, store_ids))})"
    members = f" AND s.userid IN ({','.join('?' * len(owners))})" if owners else ""
    for part in chunks(list(customers), CHUNK):
        marks = ",".join("?" * len(part))
        by_customer: dict[int, list[Relation]] = {}
        for record in db.execute(
            f"SELECT {_FIELDS} FROM customer AS c JOIN follow AS f ON f.customer_id = c.id"
            f" JOIN staff AS s ON s.id = f.staff_id WHERE c.id IN ({marks})"
            f" AND f.status NOT IN ('lost', 'handed_over'){members}{stores}"
            " ORDER BY f.createtime DESC, f.id DESC",
            (*part, *owners),
        ):
            by_customer.setdefault(record[1], []).append(Relation(*record))
        for customer in part:
            if customer in by_customer:
                yield by_customer[customer]


def tags_of(db: Database, follows: Sequence[int]) -> dict[int, set[str]]:
    """WeCom's ids of the tags on each follow."""
    found: dict[int, set[str]] = {each: set() for each in follows}
    for part in chunks(list(follows), CHUNK):
        marks = ",".join("?" * len(part))
        for follow, tag in db.execute(
            "SELECT follow_id, tag.tag_id FROM follow_tag JOIN tag ON tag.id = follow_tag.tag_id"
            f" WHERE follow_id IN ({marks})",
            part,
        ):
            found[follow].add(tag)
    return found


def writable(relation: Relation | None) -> Verdict:
    """Whether WeCom would take a write to this follow (tags, remark): READY or why not."""
    if relation is None or relation.status in ("lost", "handed_over"):
        return blocked(
            "no_relation",
            _("This member does not follow this customer (any more)."),
            errcode=84061,
            way_out=_("Choose the member who follows the customer now."),
        )
    if relation.status == "missing":
        return blocked(
            "missing",
            _("The follow was gone from the last reading; WeCom may not know it any more."),
            errcode=84061,
            way_out=_("Run `storeops sync run`, then plan again."),
        )
    if relation.status == "unassigned":
        return blocked(
            "unassigned",
            _("The member has left; the customer waits to be handed over."),
            errcode=40003,
            way_out=_("Hand the customer over first: storeops leaver plan"),
        )
    if relation.status == "out_of_scope":
        return blocked(
            "out_of_scope",
            _("The member is outside the visible scope of the app."),
            errcode=60011,
            way_out=_("Ask the administrator to widen the app's visible scope."),
        )
    return READY


def large_shares(
    db: Database, touched: Sequence[Relation], verdicts: Sequence[Verdict], share: float
) -> list[Problem]:
    """Warnings about shops of which a plan changes more than a share of the customers.

    Args:
        db: data.db.
        touched: follows of the plan's rows.
        verdicts: of the same rows.
        share: from which it is alarming, 0 to 1.
    """
    of_shops = Counter(
        each.store_id
        for each, verdict in zip(touched, verdicts, strict=True)
        if verdict.ready and each.store_id
    )
    found: list[Problem] = []
    for store, count in of_shops.most_common():
        if count < HANDFUL:
            break
        total, name = db.execute(
            "SELECT count(*), (SELECT name FROM department WHERE id = store_id) FROM follow"
            " WHERE store_id = ? AND status = 'active'",
            (store,),
        ).fetchone()
        if total and count / total > share:
            text = _("The plan changes {count} of {total} customers of {store}.")
            text = text.format(count=count, total=total, store=name or store)
            found.append(Problem("large_share", text, warning=True))
    return found
