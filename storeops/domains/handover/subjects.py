"""What is to move: customers and group chats of the givers, in an order that never varies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from storeops.changes import plans, sheets
from storeops.changes.problems import Problem, Problems, of_line
from storeops.database.database import Database
from storeops.domains.handover import rules
from storeops.domains.handover.request import HandoverRequest
from storeops.errors import NothingToDoError, StoreOpsError, UsageError
from storeops.i18n import _, ngettext
from storeops.mirror import members
from storeops.mirror.members import Member
from storeops.reading.customers import names_of, selection_node
from storeops.reading.query import CustomerQuery
from storeops.tables import typed

_OF_KIND = {rules.ON_JOB: "active", rules.RESIGNED: "unassigned"}


@dataclass(frozen=True, slots=True)
class Subject:
    """One customer or group that is to move.

    Attributes:
        what: customer | group.
        kind: on_job | resigned.
        from_owner: who has it now.
        id: external_userid or chat_id.
        customer_id, follow_id: keys of the mirror, 0 for groups and unknown ones.
        createtime: when the follow began, Unix seconds.
        status: of the follow; the owner's userid for groups.
        to: userid of the taker when the file says so.
        line: line of the file, 0 for none.
        name: of a group.
        avoid: userid of the taker who did not get them before; somebody else comes first.
    """

    what: str
    kind: str
    from_owner: Member
    id: str
    customer_id: int = 0
    follow_id: int = 0
    createtime: int = 0
    status: str = ""
    to: str = ""
    line: int = 0
    name: str = ""
    avoid: str = ""


@dataclass(slots=True)
class Subjects:
    """Everything a request means, and what of it could not be understood."""

    rows: list[Subject] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    sheet: sheets.Sheet | None = None


def of_request(db: Database, request: HandoverRequest, now: float) -> Subjects:
    """All subjects of a request: giver by giver, oldest relation first, groups at the end.

    Raises:
        UsageError: nothing chosen, or the way contradicts what the mirror knows.
        NotFoundError: no such member, plan, mark or file.
    """
    if request.file is not None:
        if request.selective:
            raise UsageError(
                _("A file and a filter cannot be combined."),
                hint=_("Choose by --file, or by --where, --view, --marked, --store."),
            )
        return _of_file(db, request, request.file)
    if request.again:
        return _again(db, request)
    if not request.from_whom:
        raise UsageError(
            _("Nobody was named whose customers are to move."), hint=_("Add --from USERID.")
        )
    found = Subjects()
    only = _only(db, request, now)
    people = members.Members(db.connection)
    from_owners = list({each.id: each for each in map(people.find, request.from_whom)}.values())
    kinds = {from_owner.id: _kinds(db, from_owner, request.kind) for from_owner in from_owners}
    if request.customers:
        for from_owner in from_owners:
            for kind in kinds[from_owner.id]:
                found.rows += _customers(db, from_owner, kind, only)
    groups = request.groups if request.groups is not None else not request.partial
    if groups:
        for from_owner in from_owners:
            found.rows += [
                each for each in _groups(db, from_owner) if each.kind in kinds[from_owner.id]
            ]
    return found


def kind_of(from_owner: Member, status: str = "", said: str = "") -> str:
    """on_job or resigned, found out from the mirror.

    What WeCom lists as unassigned moves as a leaver's does, also when the member is there again.

    Args:
        from_owner: who has the customer.
        status: of the follow, "" unknown.
        said: on_job or resigned when the person said so.

    Raises:
        UsageError: the person said the other one.
    """
    waits = from_owner.left or status == _OF_KIND[rules.RESIGNED]
    return _agreed(from_owner, (rules.RESIGNED if waits else rules.ON_JOB,), said)[0]


def _kinds(db: Database, from_owner: Member, said: str) -> Sequence[str]:
    """Ways in which what a member has can move: both when they came back and some still wait."""
    if from_owner.left:
        return _agreed(from_owner, (rules.RESIGNED,), said)
    (waits,) = db.execute(
        "SELECT EXISTS (SELECT 1 FROM follow WHERE staff_id = ? AND status = 'unassigned')"
        " OR EXISTS (SELECT 1 FROM group_chat WHERE owner_userid = ? AND owner_status = ?"
        "  AND status <> 'dissolved')",
        (from_owner.id, from_owner.userid, rules.OWNER_LEFT),
    ).fetchone()
    return _agreed(from_owner, (rules.ON_JOB, rules.RESIGNED) if waits else (rules.ON_JOB,), said)


def _agreed(from_owner: Member, kinds: Sequence[str], said: str) -> Sequence[str]:
    """The way that the person said, of those there are; all of them when nothing was said."""
    if not said or said in kinds:
        return (said,) if said else kinds
    kind = kinds[0]
    if kind == rules.RESIGNED:
        raise UsageError(
            _("{member} has left, so this is no handover on the job.").format(
                member=from_owner.label
            ),
            hint=_("Leave out --on-job: the way is found by itself."),
        )
    raise UsageError(
        _("{member} has not left, so this is no handover after leaving.").format(
            member=from_owner.label
        ),
        hint=_("Use `storeops handover plan` without --resigned; if they have left, sync first."),
    )


def _only(db: Database, request: HandoverRequest, now: float) -> set[int] | None:
    """customer.id of the customers that were chosen; None for all."""
    if not request.selective and not (request.from_owners and request.selection.owner):
        return None
    node = selection_node(db, request.selection)
    return set(CustomerQuery(db, node, names=names_of(db), now=now).ids())


def _customers(db: Database, from_owner: Member, kind: str, only: set[int] | None) -> list[Subject]:
    rows = db.execute(
        "SELECT c.external_userid, c.id, f.id, f.createtime, f.status FROM follow AS f"
        " JOIN customer AS c ON c.id = f.customer_id WHERE f.staff_id = ? AND f.status = ?"
        " ORDER BY f.createtime, c.external_userid",
        (from_owner.id, _OF_KIND[kind]),
    )
    return [
        Subject(rules.CUSTOMER, kind, from_owner, external, customer, follow, created, status)
        for external, customer, follow, created, status in rows
        if only is None or customer in only
    ]


def _groups(db: Database, from_owner: Member) -> list[Subject]:
    rows = db.execute(
        "SELECT chat_id, create_time, owner_userid, name, owner_status = ? FROM group_chat"
        " WHERE owner_userid = ?"
        " AND status <> 'dissolved' ORDER BY create_time, chat_id",
        (rules.OWNER_LEFT, from_owner.userid),
    )
    return [
        Subject(
            rules.GROUP,
            rules.RESIGNED if from_owner.left or waits else rules.ON_JOB,
            from_owner,
            chat_id,
            createtime=created,
            status=owner,
            name=name,
        )
        for chat_id, created, owner, name, waits in rows
    ]


def _of_file(db: Database, request: HandoverRequest, file: sheets.Source) -> Subjects:
    from storeops.changes import follow_requests

    fields = (
        sheets.EXTERNAL_USERID,
        sheets.PHONE,
        sheets.UNIONID,
        sheets.Field(
            "userid", ("handover_userid", "from", "原负责人", "原跟进人", *sheets.USERID.aliases)
        ),
        sheets.Field(
            "takeover_userid", ("to", "taker", "接替人", "接手人", "接替成员", "新负责人")
        ),
    )
    sheet = sheets.read(file, fields)
    if len(request.from_whom) > 1:
        raise UsageError(
            _("With a file, --from can name one member only."),
            hint=_("Name the owner of each customer in the column userid."),
        )
    selected = follow_requests.of_sheet(db, sheet, owner=request.from_whom)
    found = Subjects(problems=selected.problems.copy(), sheet=sheet)
    people = members.by_userids(db, (each.userid for each in selected.relations))
    names = members.Members(db.connection)
    for relation, line, cells in zip(
        selected.relations, selected.lines, selected.cells, strict=True
    ):
        named = typed.word(cells.get("takeover_userid", ""))
        to_owner = names.try_find(named) if named else None
        if isinstance(to_owner, StoreOpsError):
            code = "several_takers" if isinstance(to_owner, UsageError) else "unknown_taker"
            reason = f"{to_owner.message} {to_owner.hint}" if code == "several_takers" else (
                _("no member is called {name}").format(name=named))  # fmt: skip
            found.problems.append(of_line(line, code, reason))
            continue
        from_owner = people[relation.userid.lower()]
        found.rows.append(
            Subject(
                rules.CUSTOMER,
                kind_of(from_owner, relation.status, request.kind),
                from_owner,
                relation.external_userid,
                relation.customer_id,
                relation.follow_id,
                relation.createtime,
                relation.status,
                to_owner.userid if to_owner else "",
                line,
            )
        )
    return found


def _again(db: Database, request: HandoverRequest) -> Subjects:
    """Rows of an earlier plan whose takers did not get them, and a note of those who are gone.

    Raises:
        NothingToDoError: there is no such row, or none of them is with its giver any more.
    """
    plan = plans.get(db, request.again, plans.APPLIED)
    if plan.kind != "handover":
        raise UsageError(_("Plan {plan} is not a handover.").format(plan=plan.name))
    rows = db.execute(
        "SELECT r.external_userid, r.userid, c.id, f.id, f.createtime, f.status,"
        " coalesce(json_extract(r.extra, '$.to'), '')"
        " FROM plan_row AS r JOIN customer AS c ON c.external_userid = r.external_userid"
        " JOIN staff_by_userid AS i ON i.userid = r.userid JOIN staff AS s ON s.id = i.staff_id"
        " LEFT JOIN follow AS f ON f.customer_id = c.id AND f.staff_id = s.id"
        " WHERE r.plan_id = ? AND r.external_userid <> ''"
        " AND r.status IN ('refused', 'taker_full', 'failed', 'no_record', 'blocked')"
        " ORDER BY r.row",
        (plan.id,),
    ).fetchall()
    if not rows:
        raise NothingToDoError(
            _("Every row of plan {plan} found its taker, or still waits.").format(plan=plan.name),
            details=plans.nothing_to_do(plan.kind).details,
        )
    people = members.by_userids(db, (each[1] for each in rows))
    found = Subjects()
    for external, userid, customer, follow, created, status, to_owner in rows:
        from_owner = people[userid.lower()]
        kind = kind_of(from_owner, status or "", request.kind)
        if status == _OF_KIND[kind]:
            found.rows.append(
                Subject(
                    rules.CUSTOMER,
                    kind,
                    from_owner,
                    external,
                    customer,
                    follow,
                    created or 0,
                    status,
                    avoid=to_owner,
                )
            )
    if gone := len(rows) - len(found.rows):
        message = ngettext(
            "{count} customer of plan {plan} is not with the member any more and cannot be offered again: deleted, moved, or no longer listed by WeCom.",  # noqa: E501
            "{count} customers of plan {plan} are not with the member any more and cannot be offered again: deleted, moved, or no longer listed by WeCom.",  # noqa: E501
            gone,
        ).format(count=gone, plan=plan.name)
        if not found.rows:
            raise NothingToDoError(
                message,
                hint=_("See who: `{line}`; a taker adds them anew with a code of theirs.").format(
                    line=f"storeops plan results {plan.name} --not-done"
                ),
                details=plans.nothing_to_do(plan.kind).details,
            )
        found.problems.append(Problem("gone", message, warning=True))
    return found


def tags_of(db: Database, subjects: Sequence[Subject]) -> dict[int, set[str]]:
    """WeCom's tag ids of each customer's follow, by follow.id."""
    from storeops.changes.relations import tags_of as of_follows

    return of_follows(db, [each.follow_id for each in subjects if each.follow_id])
