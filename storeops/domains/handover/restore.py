"""After the move: compare each relation with its snapshot, plan to put back what got lost.

Whether corp tags and remarks travel is not promised, so storeops looks. Only what is missing on
the taker's side is put back; what the taker has written stays.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from storeops.changes import plans, relations
from storeops.changes.action import OPEN_STATUSES, Row
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan
from storeops.changes.problems import Problem
from storeops.changes.relations import Relation
from storeops.database.database import Database
from storeops.domains.remarks.remarks import RemarkAction
from storeops.domains.tags.tagging import TagAction, tag_row
from storeops.errors import ConflictError, UsageError
from storeops.i18n import N_, _, kept, plural
from storeops.mirror.tag_names import CORP_TAG, TagNames
from storeops.wecom.failures import lost_row
from storeops.wecom.oddities import LostRow, collecting_lost

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient
    from storeops.wecom.customers import FollowRow

PAGE = 100  # rows of batch/get_by_user
_NAMED = 5  # rows that cannot be read, in the plan's notes


@dataclass(slots=True)
class Restoring:
    """What comparing found.

    Attributes:
        plans: the plans that were made, none when everything is as before.
        same: relations that are known to lack nothing.
        tags, remarks: relations that lack tags, or remark, description, company or mobiles.
        unread: relations that WeCom did not show.
        unknown: relations whose tags nobody had ever read.
        notes: customers whose personal tags were kept as notes.
        calls: reads that were needed.
        lost: rows of WeCom's answers that cannot be read; what they hide is not compared.
    """

    plans: list[Plan] = field(default_factory=list)
    same: int = 0
    tags: int = 0
    remarks: int = 0
    unread: int = 0
    unknown: int = 0
    notes: int = 0
    calls: int = 0
    lost: list[LostRow] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The object of `handover restore --json`."""
        return {
            "plans": [each.as_dict() for each in self.plans],
            "same": self.same,
            "tags": self.tags,
            "remarks": self.remarks,
            "unread": self.unread,
            "unknown": self.unknown,
            "notes": self.notes,
            "calls": self.calls,
            "unreadable": [each.name for each in self.lost],
        }


@dataclass(frozen=True, slots=True)
class _Moved:
    """One handover that is done."""

    row: int
    external_userid: str
    takeover_userid: str
    snapshot: Mapping[str, Any]


def plan_restore(
    ledger: Ledger,
    client: WeComClient,
    name: str,
    *,
    reason: str = "",
    on_progress: Callable[[int, int], None] | None = None,
) -> Restoring:
    """Compare what a handover plan moved with how it was; plan what is to be put back.

    Args:
        ledger: the profile's ledger.
        client: reads takers' relations that no sync has read since.
        name: plan_id of a handover.
        reason: why, for the journal.
        on_progress: (relations read, relations to read).

    Raises:
        UsageError: the plan is no handover.
        ConflictError: nothing of it is done.
        StoreOpsError: WeCom cannot be read.
    """
    db = ledger.db
    ledger.policy.may_write()
    plan = plans.get(db, name, plans.APPLIED)
    if plan.kind != "handover":
        raise UsageError(_("Plan {plan} is not a handover.").format(plan=plan.name))
    moved = _moved(db, plan.id)
    if not moved and not plans.row_counts(db, plan.id).keys() & set(OPEN_STATUSES):
        raise ConflictError(
            _("Plan {plan} handed no customer over; there is nothing to put back.").format(
                plan=plan.name
            ),
            hint=_("See how it ended: storeops plan results {plan}").format(plan=plan.name),
        )
    if not moved:
        raise ConflictError(
            _("Nothing of plan {plan} is done yet.").format(plan=plan.name),
            hint=_("Ask how it stands: storeops handover watch"),
        )
    found = Restoring(notes=sum(1 for each in moved if each.snapshot.get("personal_tags")))
    found.calls, found.lost = _read(
        ledger, client, moved, plan.name, on_progress or (lambda done, total: None)
    )
    tag_rows, remark_rows = _compare(db, moved, found)
    params = {"command": f"storeops handover restore {plan.name}", "restores": plan.name}
    problems = _problems(found)
    for kind, rows, title in (
        (TagAction.name, tag_rows, N_("Tags after {plan}")),
        (RemarkAction.name, remark_rows, N_("Remarks after {plan}")),
    ):
        if rows:
            found.plans.append(
                plans.make(
                    ledger, kind, rows, params={**params, "add": [], "remove": []},
                    problems=problems, title=kept(title, plan=plan.name), reason=reason,
                )
            )  # fmt: skip
    return found


def can_lack(db: Database, plan_id: int) -> bool:
    """Whether anything was known of the customers that a plan handed over, which they may lack."""
    kept = ("tag_id", "remark", "description", "remark_corp_name", "remark_mobiles")
    return any(each.snapshot.get(name) for each in _moved(db, plan_id) for name in kept)


def _moved(db: Database, plan_id: int) -> list[_Moved]:
    return [
        _Moved(row, subject, to_owner, json.loads(snapshot) if snapshot else {})
        for row, subject, to_owner, snapshot in db.execute(
            "SELECT row, subject, takeover_userid, snapshot FROM handover"
            " WHERE plan_id = ? AND what = 'customer' AND status = 'done' ORDER BY row",
            (plan_id,),
        )
    ]


def _problems(found: Restoring) -> list[Problem]:
    problems = []
    if found.unread:
        message = plural(
            "{count} relation is not there any more; nothing can be put back.",
            "{count} relations are not there any more; nothing can be put back.",
            found.unread,
        )
        problems.append(Problem("unread", message, warning=True))
    problems += [
        Problem("unreadable", lost_row(each).message, warning=True) for each in found.lost[:_NAMED]
    ]
    if found.unknown:
        message = plural(
            "{count} customer's tags had never been read before they moved.",
            "{count} customers' tags had never been read before they moved.",
            found.unknown,
        )
        problems.append(Problem("unknown", message, warning=True))
    return problems


def _read(
    ledger: Ledger,
    client: WeComClient,
    moved: Sequence[_Moved],
    ref: str,
    on_progress: Callable[[int, int], None],
) -> tuple[int, list[LostRow]]:
    """Read relations that no sync has read since they moved, the cheaper way.

    Returns:
        The calls, and the rows that cannot be read.
    """
    from storeops.mirror.facts import Batch, apply_facts

    db = ledger.db
    pairs = [(each.takeover_userid, each.external_userid) for each in moved]
    unread: dict[str, list[str]] = defaultdict(list)
    for (to_owner, external), relation in zip(pairs, relations.by_pairs(db, pairs), strict=True):
        if relation is None or not relation.tags_known:
            unread[to_owner].append(external)
    total, done, calls = sum(map(len, unread.values())), 0, 0
    hidden: list[LostRow] = []
    for to_owner, wanted in unread.items():
        held = db.execute(
            "SELECT count(*) FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
            " WHERE s.userid = ? AND f.status = 'active'",
            (to_owner,),
        ).fetchone()[0]
        one_by_one = len(wanted) <= -(-held // PAGE)
        pages = _singly(client, to_owner, wanted) if one_by_one else _paged(client, to_owner)
        for rows, lost in pages:
            calls += 1
            hidden += [row for row in lost if any(_may_be(row, to_owner, each) for each in wanted)]
            apply_facts(db, "job", Batch(follows=rows), int(ledger.clock.now()), ref)
            done = min(total, done + len(rows))
            on_progress(done, total)
    return calls, hidden


def _may_be(row: LostRow, to_owner: str, external_userid: str) -> bool:
    return row.may_be(userid=to_owner, external_userid=external_userid)


def _paged(
    client: WeComClient, to_owner: str
) -> Iterator[tuple[Sequence[FollowRow], list[LostRow]]]:
    from storeops.wecom import customers

    cursor = ""
    while True:
        with collecting_lost() as lost:
            page = customers.get_by_user(client, [to_owner], cursor)
        yield page.external_contact_list, lost
        cursor = page.next_cursor
        if not cursor:
            return


def _singly(
    client: WeComClient, to_owner: str, external_userids: Sequence[str]
) -> Iterator[tuple[Sequence[FollowRow], list[LostRow]]]:
    from storeops.wecom import customers
    from storeops.wecom.errors import WeComNotFoundError

    for external in external_userids:
        try:
            with collecting_lost() as lost:
                person = customers.get(client, external)
        except WeComNotFoundError:
            yield (), []
            continue
        rows = [
            customers.FollowRow(person.external_contact, customers.info_of(follow))
            for follow in person.follow_user
            if follow.userid.lower() == to_owner.lower()
        ]
        yield rows, [replace(row, ids={**row.ids, "external_userid": external}) for row in lost]


def _compare(
    db: Database, moved: Sequence[_Moved], found: Restoring
) -> tuple[list[Row], list[Row]]:
    names = TagNames(db)
    now = relations.by_pairs(db, [(each.takeover_userid, each.external_userid) for each in moved])
    present = relations.tags_of(db, [each.follow_id for each in now if each is not None])
    tag_rows: list[Row] = []
    remark_rows: list[Row] = []
    for each, relation in zip(moved, now, strict=True):
        if relation is None or relation.status != "active" or not relation.tags_known:
            who = (each.takeover_userid, each.external_userid)
            found.unread += not any(_may_be(row, *who) for row in found.lost)
            continue
        known = bool(each.snapshot.get("tags_known", False))
        found.unknown += not known
        lacking = _lacking(each.snapshot, present[relation.follow_id], names)
        row = tag_row(len(tag_rows) + 1, relation, present[relation.follow_id], lacking, ())
        if row is not None:
            tag_rows.append(row)
        fields = _unwritten(each.snapshot, relation)
        if fields:
            remark_rows.append(_remark_row(len(remark_rows) + 1, relation, fields))
        found.same += known and row is None and not fields
    found.tags, found.remarks = len(tag_rows), len(remark_rows)
    return tag_rows, remark_rows


def _lacking(snapshot: Mapping[str, Any], present: set[str], names: TagNames) -> list[str]:
    """Corp tags of the snapshot that still exist and are not on the relation."""
    return [
        tag_id
        for tag_id in snapshot.get("tag_id", ())
        if tag_id not in present
        and (tag := names.tags.get(tag_id)) is not None
        and not tag.deleted
        and tag.kind == CORP_TAG
    ]


def _unwritten(snapshot: Mapping[str, Any], relation: Relation) -> dict[str, tuple[Any, Any]]:
    """field → (before, after) of what was written once and is empty now."""
    mobiles = json.loads(relation.mobiles)
    fields: dict[str, tuple[Any, Any]] = {}
    remark = snapshot.get("remark")
    if remark and remark != relation.remark and relation.remark in ("", relation.name):
        fields["remark"] = (relation.remark, remark)
    if snapshot.get("description") and not relation.description:
        fields["description"] = ("", snapshot["description"])
    if snapshot.get("remark_corp_name") and not relation.company and relation.type == 1:
        fields["remark_company"] = ("", snapshot["remark_corp_name"])
    if snapshot.get("remark_mobiles") and not mobiles:
        fields["remark_mobiles"] = ([], list(snapshot["remark_mobiles"]))
    return fields


def _remark_row(number: int, relation: Relation, fields: dict[str, tuple[Any, Any]]) -> Row:
    return Row(
        number,
        relation.external_userid,
        relation.userid,
        before={name: before for name, (before, _after) in fields.items()},
        after={name: after for name, (_before, after) in fields.items()},
    )
