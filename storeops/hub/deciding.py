"""What becomes of a request: planned anew on head office's mirror, decided by rules or by people.

The rules are those of the shop, not of the request: its own customers alone, kinds that are
allowed, so many rows, and somebody's approval above so many. Each step is one transaction, and
`go_on` takes up whatever a crash left between two of them.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from storeops import times
from storeops.changes import elsewhere, plans, relations
from storeops.changes import rows as plan_rows
from storeops.changes.action import Action, Row, Verdict, blocked
from storeops.changes.apply import apply
from storeops.changes.control import cancel_plan
from storeops.changes.journal import Journal, JournalLine, dump
from storeops.changes.ledger import Ledger
from storeops.database.database import Database
from storeops.domain import registry
from storeops.errors import ConfigError, ConflictError, StoreOpsError, UsageError
from storeops.hub import attempts, requests
from storeops.hub import settings as hub_settings
from storeops.hub.requests import APPROVED, ASKED, REFUSED, TAKEN, HubRequest
from storeops.hub.settings import HubSettings
from storeops.i18n import N_, _, kept, kept_plural, said
from storeops.mirror.shared import follows_of_departments, members_of_departments

if TYPE_CHECKING:
    from storeops.hub.wiring import OfficeWiring

STAY_S = 7 * 86_400.0  # a request older than that is refused; a plan of one can be applied so long
_AT_ONCE = 400  # customers that are asked for in one statement
EVERY_SHOP = 0  # stands for a shop where the rules of all are kept; no department has this id
RULES = ("request_kinds", "request_rows", "request_rows_day", "approve_above", "approve_kinds")


@dataclass(frozen=True, slots=True)
class ShopRules:
    """What a shop may ask for.

    Attributes:
        request_kinds: kinds of plan.
        request_rows: rows of one request at most.
        request_rows_day: rows of a shop in a day (Beijing) at most.
        approve_above: more rows than these somebody approves.
        approve_kinds: kinds that somebody approves, however few rows.
    """

    request_kinds: tuple[str, ...]
    request_rows: int
    request_rows_day: int
    approve_above: int
    approve_kinds: tuple[str, ...]


def rules_of(db: Database, settings: HubSettings, store: int | None = None) -> ShopRules:
    """The rules of a shop: those of all, and its own in their place.

    They are in data.db, which every host of head office has; what was never set there is as
    hub.toml has it, and kinds of which that says nothing are as their domains say.

    Args:
        db: data.db of head office.
        settings: its hub.
        store: department id of the shop, None for those of all.
    """
    values: dict[str, Any] = {name: getattr(settings, name) for name in RULES}
    for each in (EVERY_SHOP, store):
        own = {} if each is None else own_rules(db, each)
        values.update({name: value for name, value in own.items() if name in values})
    approved = [kind for domain in registry().domains for kind in domain.approved_requests]
    requested = [kind for domain in registry().domains for kind in domain.requests]
    for name, kinds in (("request_kinds", requested + approved), ("approve_kinds", approved)):
        values[name] = tuple(kinds if values[name] is None else values[name])
    return ShopRules(**values)


def own_rules(db: Database, store: int) -> dict[str, Any]:
    """What a shop has of its own, by name."""
    return {
        name: json.loads(value)
        for name, value in db.execute(
            "SELECT name, value FROM hub_rule WHERE store = ? ORDER BY name", (store,)
        )
    }


def set_rules(db: Database, store: int, values: Mapping[str, Any], *, anew: bool = False) -> None:
    """Give a shop rules of its own, or all shops theirs.

    Args:
        db: data.db of head office.
        store: department id of the shop, or EVERY_SHOP.
        values: by name of RULES.
        anew: what it had is forgotten first.
    """
    with db.atomic() as connection:
        if anew:
            connection.execute("DELETE FROM hub_rule WHERE store = ?", (store,))
        connection.executemany(
            "INSERT OR REPLACE INTO hub_rule (store, name, value) VALUES (?, ?, ?)",
            [(store, name, json.dumps(value)) for name, value in values.items()],
        )


# -- going on --------------------------------------------------------------------------------------


def go_on(app: OfficeWiring) -> int:
    """Take every request as far as it goes now; returns how many moved."""
    found = requests.to_go_on(app.data)
    for request in found:
        if request.status == TAKEN:
            _plan(app, request)
            request = requests.by_id(app.data, request.id)
        if request.status == APPROVED:
            _apply(app, request)
    return len(found)


class _RefusedRequest(Exception):
    """A request is refused: why, and what is told of it at head office, "" for nothing."""

    def __init__(self, reason: str, what: str = "", detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.what, self.detail = reason, what, detail


def _plan(app: OfficeWiring, request: HubRequest) -> None:
    """Make head office's own plan of it, and decide by the rules; or refuse it."""
    ledger = _as(app.ledger, request)
    try:
        with app.data.atomic() as connection:
            _plan_inside(app, ledger, connection, request)
    except _RefusedRequest as error:
        _refuse(app.ledger, request, error.reason, told=(error.what, error.detail))
    except StoreOpsError as error:
        _refuse_for(app.ledger, request, error)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        # what a request holds is a stranger's: an Action may stumble over it
        logging.getLogger(__name__).warning("a request cannot be planned: %s", type(error).__name__)
        reason = kept(N_("Head office does not understand what is asked."))
        _refuse(app.ledger, request, reason, told=("unreadable", request.request_id))
    else:
        app.ledger.journal.seal(app.data, app.ledger.clock.now())


def _plan_inside(
    app: OfficeWiring, ledger: Ledger, connection: sqlite3.Connection, request: HubRequest
) -> None:
    if requests.by_id(app.data, request.id).status != TAKEN:
        return  # the shop took it back meanwhile
    now = ledger.clock.now()
    rules = rules_of(app.data, hub_settings.get(app.profile.name), request.store)
    if request.kind not in rules.request_kinds:
        raise _RefusedRequest(
            kept(N_("Plans of the kind {kind} may not be asked for."), kind=request.kind),
            "kind", f"{request.request_id} {request.kind}",
        )  # fmt: skip
    if now - request.asked_at > STAY_S:
        raise _RefusedRequest(kept(N_("It was asked more than a week ago: make the plan again.")))
    if request.rows > rules.request_rows:
        raise _RefusedRequest(
            kept(N_("It has {several} rows; a request may have {limit}."), several=request.rows,
                 limit=rules.request_rows)
        )  # fmt: skip
    (today,) = connection.execute(
        "SELECT coalesce(sum(rows), 0) FROM hub_request WHERE store = ? AND status IN (?, ?)"
        " AND at >= ? AND id <> ?",
        (request.store, ASKED, APPROVED, times.midnight(now).timestamp(), request.id),
    ).fetchone()
    if today + request.rows > rules.request_rows_day:
        raise _RefusedRequest(
            kept_plural(
                "The shop has asked for {count} row today; a day may have {limit}.",
                "The shop has asked for {count} rows today; a day may have {limit}.",
                today, limit=rules.request_rows_day,
            )
        )  # fmt: skip
    body = requests.body_of(app.data, request)
    asked = [_row(number, each) for number, each in enumerate(body["rows"], start=1)]
    numbers = [int(each[0]) for each in body["rows"]]
    action = ledger.action(request.kind)
    foreign = not_of_shop(connection, request.store, action, asked)
    if foreign:
        raise _RefusedRequest(
            kept(N_("Row {row} is about nobody of this shop."), row=numbers[foreign[0] - 1]),
            "not_its_own", f"{request.request_id}, {len(foreign)} of {len(asked)} rows",
        )  # fmt: skip
    undo_of, asked = _undone(connection, request, body, asked)
    plan, changed = _made(ledger, request, body, asked, undo_of)
    elsewhere.made_for(connection, plan.id, request.id, request.store, numbers)
    if changed and not request.skip_changed:
        status, why = (
            REFUSED,
            kept_plural(
                "{count} row changed since the plan was made; nothing was sent.",
                "{count} rows changed since the plan was made; nothing was sent.",
                changed,
            ),
        )
    elif not plan.ready:
        status, why = REFUSED, kept(N_("No row of it can be sent; the reasons stand in the rows."))
    else:
        status, why = _by_rules(rules, request, plan.ready)
    _decide(ledger, connection, replace(request, plan=plan.id, plan_id=plan.name), status, why, "")
    if status == REFUSED:
        cancel_plan(ledger, plan.name, "refused")


def _row(number: int, asked: Sequence[Any]) -> Row:
    _shop_row, _subject, external_userid, userid, before, after, extra = asked
    for each in (external_userid, userid):
        if not isinstance(each, str):
            raise ValueError("a row names no texts")
    for each in (before, after, extra):
        if not isinstance(each, dict):
            raise ValueError("a row has no values")
    return Row(number, external_userid, userid, "", before, after, extra)


def not_of_shop(
    connection: sqlite3.Connection, store: int, action: Action, rows: Sequence[Row]
) -> list[int]:
    """Numbers of rows that are about nothing of the shop, or name another shop's member.

    Args:
        connection: of data.db.
        store: department id of the shop.
        action: of the rows' kind.
        rows: as they were asked for, or as head office made them of that.
    """
    departments = [
        row[0]
        for row in connection.execute(
            "SELECT department_id FROM hub_department WHERE store = ? AND below = 1", (store,)
        )
    ]
    own: set[tuple[str, str]] = set()
    customers = sorted({row.external_userid for row in rows if row.external_userid})
    for at in range(0, len(customers), _AT_ONCE):
        part = customers[at : at + _AT_ONCE]
        own |= follows_of_departments(connection, departments, part)
    members = members_of_departments(connection, departments)
    # rows about no follow are of the member whom they name: the kind says so itself, or has none
    others = hasattr(action, "asked")
    names = getattr(action, "names", lambda _row: ())
    wrong = []
    for row in rows:
        userid = row.userid.lower()
        if row.external_userid or not others:
            fits = (row.external_userid, userid) in own
        else:
            fits = userid in members
        if not fits or any(each.lower() not in members for each in names(row)):
            wrong.append(row.row)
    return wrong


def _undone(
    connection: sqlite3.Connection, request: HubRequest, body: Mapping[str, Any], rows: list[Row]
) -> tuple[int | None, list[Row]]:
    """Which plan of ours the request puts back, and its rows under our numbers."""
    if not body.get("undoes"):
        return None, [
            replace(row, extra={k: v for k, v in row.extra.items() if k not in _UNDO})
            for row in rows
        ]
    found = connection.execute(
        "SELECT plan_id FROM hub_request WHERE store = ? AND request_id = ?",
        (request.store, str(body["undoes"])),
    ).fetchone()
    if found is None or found[0] is None:
        raise _RefusedRequest(kept(N_("What it puts back is not known here.")))
    ours = elsewhere.rows_by_asker(connection, found[0])
    return found[0], [
        replace(row, extra={**row.extra, "undoes": ours[row.extra["undoes"]]}) for row in rows
    ]


def _made(
    ledger: Ledger,
    request: HubRequest,
    body: Mapping[str, Any],
    asked: list[Row],
    undo_of: int | None,
) -> tuple[plans.Plan, int]:
    """The plan by head office's own mirror, and how many rows are not as the shop saw them."""
    action = ledger.action(request.kind)
    fresh, params = _anew(ledger, action, asked, body.get("params") or {})
    params["command"] = f"storeops hub requests show {request.request_id}"
    rows = [
        replace(Row(row.row, row.external_userid, row.userid) if new is None else new, row=row.row)
        for row, new in zip(asked, fresh, strict=True)
    ]
    checked = iter(action.check(ledger.view(params), [each for each in rows if _is_new(each)]))
    verdicts = [next(checked) if _is_new(each) else _so_already() for each in rows]
    changed = 0
    for at, (row, new) in enumerate(zip(asked, rows, strict=True)):
        if verdicts[at].ready and dump(row.before) != dump(new.before):
            changed += 1
            verdicts[at] = blocked(
                "changed",
                kept(N_("It changed since the back office made the plan.")),
                way_out=kept(N_("Make the plan again.")),
            )
    plan = plans.make(
        ledger, request.kind, rows, verdicts, params=params,
        title=_cut(str(body.get("title") or "")), reason=str(body.get("reason") or "")[:2000],
        undo_of=undo_of, expires_s=STAY_S,
    )  # fmt: skip
    return plan, changed


def _is_new(row: Row) -> bool:
    return bool(row.before or row.after or row.extra)


def _so_already() -> Verdict:
    return blocked("so_already", kept(N_("It is so already.")))


def _anew(
    ledger: Ledger, action: Action, asked: Sequence[Row], params: Mapping[str, Any]
) -> tuple[list[Row | None], dict[str, Any]]:
    """Rows of ours for what is wished, None where it is so already, and the parameters of their
    plan. Nothing else is believed."""
    if hasattr(action, "asked"):
        rows, ours = action.asked(ledger, asked, params)
        return list(rows), dict(ours)
    if not hasattr(action, "renew"):
        raise _RefusedRequest(
            kept(N_("Plans of the kind {kind} may not be asked for."), kind=action.name),
            "kind", action.name,
        )  # fmt: skip
    found = relations.by_pairs(ledger.db, [(row.userid, row.external_userid) for row in asked])
    pairs = [(row, each) for row, each in zip(asked, found, strict=True) if each is not None]
    if len(pairs) != len(asked):
        raise ValueError("a follow is not known")
    renewed: list[Row | None] = action.renew(ledger.db, pairs)
    return [
        new
        and replace(new, extra={**new.extra, **{k: row.extra[k] for k in _UNDO & set(row.extra)}})
        for row, new in zip(asked, renewed, strict=True)
    ], {}


_UNDO = {"undoes", "partly"}  # which row of the undone plan a row puts back, and whether all of it


def _cut(title: str) -> str:
    """A title of a size that lists can show; half of a kept one would be no text."""
    return title if len(title) <= 2_000 else said(title)[:300]


def _by_rules(rules: ShopRules, request: HubRequest, ready: int) -> tuple[str, str]:
    if request.kind in rules.approve_kinds:
        return ASKED, kept(N_("Plans of the kind {kind} wait for approval."), kind=request.kind)
    if ready > rules.approve_above:
        return ASKED, kept_plural(
            "{count} row waits for approval; {limit} need none.",
            "{count} rows wait for approval; {limit} need none.",
            ready, limit=rules.approve_above,
        )  # fmt: skip
    return APPROVED, ""


def _apply(app: OfficeWiring, request: HubRequest) -> None:
    """Queue what is approved; what cannot be applied any more is refused."""
    try:
        with app.data.atomic() as connection:
            _queue(app, connection, request, skip_changed=False)
    except StoreOpsError as error:
        _refuse_for(app.ledger, request, error)
    app.ledger.journal.seal(app.data, app.ledger.clock.now())


def _queue(
    app: OfficeWiring, connection: sqlite3.Connection, request: HubRequest, *, skip_changed: bool
) -> None:
    """Apply its plan, unless somebody has done that, in a write transaction.

    Raises:
        ConflictError: besides what `apply` finds, a customer has left the shop since.
    """
    assert request.plan is not None
    plan = plans.by_id(app.data, request.plan)
    if plan.status != plans.APPLIED:
        rows = plan_rows.load(app.data, plan.id, where="code = '' AND before IS NOT NULL")
        action = app.ledger.action(plan.kind)
        left = not_of_shop(connection, request.store, action, rows)
        if left:
            raise ConflictError(
                _("Row {row} of plan {plan} is about nobody of this shop any more.").format(
                    row=left[0], plan=plan.name
                ),
                hint=_refuse_it(request),
            )
        skip = skip_changed or request.skip_changed
        apply(_as(app.ledger, request), plan.name, skip_changed=skip)
    connection.execute("UPDATE hub_request SET applied = 1 WHERE id = ?", (request.id,))


def _as(ledger: Ledger, request: HubRequest) -> Ledger:
    """The ledger, with the one who asked as the one who acts."""
    who = f"{request.store_code}/{request.by}"
    return replace(ledger, journal=Journal(ledger.journal.folder, who, request.machine))


# -- deciding --------------------------------------------------------------------------------------


def _decide(
    ledger: Ledger, connection: sqlite3.Connection, request: HubRequest, status: str, why: str,
    by: str,
) -> None:  # fmt: skip
    now = ledger.clock.now()
    connection.execute(
        "UPDATE hub_request SET status = ?, reason = ?, decided_by = ?, decided_at = ?,"
        " plan_id = ?, plan = ?, body = NULL WHERE id = ?",
        (
            status,
            why,
            by,
            None if status == ASKED else now,
            request.plan,
            request.plan_id,
            request.id,
        ),
    )
    if status == ASKED:
        return
    payload = {
        "request": request.request_id, "shop": request.store_code, "by": by or "rules",
        "reason": said(why),
    }  # fmt: skip
    line = JournalLine(f"plan.{status}", request.plan_id or "", payload=payload)
    ledger.journal.append(connection, [line], now)


def _refuse(
    ledger: Ledger, request: HubRequest, why: str, by: str = "", told: tuple[str, str] = ("", "")
) -> None:
    with ledger.db.atomic() as connection:
        if requests.by_id(ledger.db, request.id).status == requests.WITHDRAWN:
            return
        if request.plan is not None:
            plan = plans.by_id(ledger.db, request.plan)
            if plan.status == plans.APPLIED:
                raise ConflictError(
                    _("Plan {plan} was already applied.").format(plan=plan.name),
                    hint=_("Tell the shop so: storeops hub requests approve {request}").format(
                        request=request.request_id
                    ),
                )
            if plan.status == plans.MADE:
                cancel_plan(ledger, plan.name, said(why))
        _decide(ledger, connection, request, REFUSED, why, by)
        if told[0]:
            attempts.record(ledger, connection, told[0], request.store_code, told[1])
    ledger.journal.seal(ledger.db, ledger.clock.now())


def _refuse_for(ledger: Ledger, request: HubRequest, error: StoreOpsError) -> None:
    """Refuse for what was said against a request; what ails head office itself is raised, and the
    request goes on waiting."""
    if isinstance(error, ConfigError) or isinstance(error.__cause__, (sqlite3.Error, OSError)):
        raise error
    _refuse(ledger, request, error.message)


def _must_wait(request: HubRequest) -> None:
    if request.status == ASKED:
        return
    words = {
        APPROVED: N_("was approved already"), REFUSED: N_("was refused already"),
        requests.WITHDRAWN: N_("was taken back by the shop"),
    }  # fmt: skip
    raise ConflictError(
        _("Request {request} {state}.").format(
            request=request.request_id,
            state=_(words.get(request.status, N_("was not looked at yet"))),
        ),
        hint=_("See it: storeops hub requests show {request}").format(request=request.request_id),
    )


def _refuse_it(request: HubRequest) -> str:
    return _("Refuse the request: storeops hub requests refuse {request} --why TEXT").format(
        request=request.request_id
    )


def approve(app: OfficeWiring, request: HubRequest, *, skip_changed: bool = False) -> HubRequest:
    """Let a request be carried out; its calls are queued.

    Args:
        app: head office.
        request: one that waits.
        skip_changed: leave out rows that changed since it was planned.

    Raises:
        ConflictError: it does not wait, or rows have changed, and nothing was decided.
        PolicyError: this profile may not apply it.
    """
    ledger = app.ledger
    ledger.policy.may_send()
    with app.data.atomic() as connection:  # both or neither
        _must_wait(requests.by_id(app.data, request.id))
        assert request.plan is not None
        mine = plans.by_id(app.data, request.plan)
        if mine.status == plans.CANCELLED:
            raise ConflictError(
                _("Plan {plan} was cancelled.").format(plan=mine.name), hint=_refuse_it(request)
            )
        _decide(ledger, connection, request, APPROVED, "", ledger.who)
        _queue(app, connection, request, skip_changed=skip_changed)
    ledger.journal.seal(app.data, ledger.clock.now())
    return requests.by_id(app.data, request.id)


def refuse(app: OfficeWiring, request: HubRequest, why: str) -> HubRequest:
    """Refuse a request that waits.

    Args:
        app: head office.
        request: one that waits.
        why: what the shop reads.

    Raises:
        ConflictError: it does not wait, or somebody has applied its plan.
        UsageError: no reason.
    """
    app.ledger.policy.may_write()
    if not why.strip():
        raise UsageError(_("The shop wants to know why."), hint=_("Add --why TEXT."))
    with app.data.atomic():  # nobody approves it meanwhile
        _must_wait(requests.by_id(app.data, request.id))
        _refuse(app.ledger, request, why.strip(), app.ledger.who)
    app.ledger.journal.seal(app.data, app.ledger.clock.now())
    return requests.by_id(app.data, request.id)
