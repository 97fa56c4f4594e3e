"""The Action of handovers: customers and group chats, on the job and after leaving."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from storeops.changes.action import (
    BLOCKED,
    NO_RECORD,
    REFUSED,
    TAKER_FULL,
    Call,
    Row,
    RowResult,
    Verdict,
    View,
)
from storeops.database.database import Database
from storeops.domains.handover import (
    checks,
    customer_calls,
    group_calls,
    group_checks,
    record,
    rules,
    vetoes,
)
from storeops.domains.handover.relations import followers
from storeops.errors import PolicyError, StoreOpsError
from storeops.i18n import N_, _

if TYPE_CHECKING:
    from storeops.changes.ledger import Ledger
    from storeops.changes.plans import Plan
    from storeops.changes.row_results import Result

PER_CALL = 100  # customers, or groups, of one call


class HandoverAction:
    """Hands customers and group chats over; an accepted row waits for its real end.

    A row's `extra` says `what` (customer, group), `kind` (on_job, resigned), `to` (the taker),
    `why` (this taker), and for groups `chat_id`.
    """

    name = "handover"
    title = N_("handover")
    path = customer_calls.TRANSFER_PATH
    later = rules.WATCH
    ends: ClassVar[Mapping[str, tuple[str, str]]] = {
        REFUSED: (
            N_("the customer declined the handover"),
            N_("Offer the customer to a colleague: storeops handover plan --again {plan}"),
        ),
        TAKER_FULL: (
            N_("the successor cannot take more customers"),
            N_("Choose another successor: storeops handover plan --again {plan}"),
        ),
        NO_RECORD: (
            N_("WeCom knows no such handover"),
            N_("Plan it again: storeops handover plan --again {plan}"),
        ),
    }

    gone = N_(
        "Nothing is left to plan: WeCom lists the customer with this member no more. Only a"
        " colleague whose code the customer scans gets them."
    )

    def before_again(self, db: Database, result: Result) -> str:
        """A leaver's customer who declined may have left the pool: the list is read first."""
        resigned = result.extra.get("kind") == rules.RESIGNED
        if result.status == REFUSED and resigned and (result.at or 0) >= checks.listed_at(db):
            return _("Read the list first: storeops sync run --scope unassigned")
        return ""

    def observe(self, view: View, rows: Sequence[Row]) -> list[Mapping[str, Any]]:
        """The status of each relation, or the owner of each group, now."""
        people = followers(view.db, [r.external_userid for r in rows if r.external_userid])
        chats = group_checks.chats(
            view.db, [str(r.extra["chat_id"]) for r in rows if r.extra["what"] == rules.GROUP]
        )
        found: list[Mapping[str, Any]] = []
        for row in rows:
            if row.extra["what"] == rules.GROUP:
                chat = chats.get(str(row.extra["chat_id"]))
                found.append({"owner": chat.owner_userid if chat else None})
                continue
            known = people.get(row.external_userid)
            relation = known.by_userid.get(row.userid.lower()) if known else None
            found.append({"status": relation.status if relation else None})
        return found

    def check(self, view: View, rows: Sequence[Row]) -> list[Verdict]:
        """A verdict per row, from mirror and journal alone."""
        verdicts: dict[int, Verdict] = {}
        people = [row for row in rows if row.extra["what"] == rules.CUSTOMER]
        facts = checks.gather(view.db, people, view.params, view.now)
        for row, verdict in zip(people, checks.check(facts, people), strict=True):
            verdicts[row.row] = verdict
        groups = [row for row in rows if row.extra["what"] == rules.GROUP]
        for row, verdict in zip(
            groups, group_checks.check(view.db, groups, view.params, view.now), strict=True
        ):
            verdicts[row.row] = verdict
        return [verdicts[row.row] for row in rows]

    def veto(self, view: View, rows: Sequence[Row]) -> dict[int, RowResult]:
        """Rows that must not be sent after what earlier calls taught."""
        return {
            row.row: RowResult(
                row.row,
                BLOCKED,
                verdict.errcode,
                verdict.reason,
                verdict.way_out,
                extra=record.result_fields(row),
            )
            for row, verdict in vetoes.vetoed(view, rows)
        }

    def asked(
        self, ledger: Ledger, rows: Sequence[Row], params: Mapping[str, Any]
    ) -> tuple[Sequence[Row], dict[str, Any]]:
        """What a back office asks to hand over, made anew from the mirror here."""
        from storeops.domains.handover import asked

        return asked.rows_of(ledger, rows, params)

    def names(self, row: Row) -> Sequence[str]:
        """The taker."""
        return [str(row.extra["to"])] if row.extra.get("to") else []

    def answered_elsewhere(
        self, db: Database, results: Sequence[tuple[Row, RowResult]], ref: str, now: int
    ) -> None:
        """Attempts that head office made for this shop are known here, too."""
        record.keep_elsewhere(db, results, ref, now)

    def again_helps(self, ledger: Ledger, plan: Plan) -> bool:
        """Whether `handover plan --again` would find a row that can be sent."""
        from storeops.changes import plans
        from storeops.domains.handover import planner
        from storeops.domains.handover.request import HandoverRequest

        return plan.status == plans.APPLIED and planner.has_ready(
            ledger, HandoverRequest(again=plan.name)
        )

    def batch(self, rows: Sequence[Row], params: Mapping[str, Any]) -> Iterable[Sequence[Row]]:
        """At most 100 rows of one pair and one way a call; an owner's calls keep their order."""
        pairs: dict[tuple[str, str, str, str], list[Row]] = {}
        for row in rows:
            extra = row.extra
            key = (str(extra["what"]), str(extra["kind"]), row.userid, str(extra["to"]))
            pairs.setdefault(key, []).append(row)
        for group in pairs.values():
            for start in range(0, len(group), PER_CALL):
                yield group[start : start + PER_CALL]

    def call(self, rows: Sequence[Row], params: Mapping[str, Any]) -> Call:
        """The call of one pair; an owner's and a taker's calls run one after another."""
        first = rows[0]
        what, to_owner = str(first.extra["what"]), str(first.extra["to"])
        ids = [str(r.extra["chat_id"]) if what == rules.GROUP else r.external_userid for r in rows]
        payload = {
            "what": what,
            "kind": first.extra["kind"],
            "from": first.userid,
            "to": to_owner,
            "ids": ids,
            "message": dict(params.get("messages") or {}).get(
                str(first.extra.get("planned") or f"{first.userid}>{to_owner}")
            ),
            "personal_tags": bool(params.get("personal_tags")),
            "made_at": params.get("made_at", 0),
        }
        keys = [f"owner:{first.userid.lower()}", f"owner:{to_owner.lower()}"]
        keys += [f"{'chat' if what == rules.GROUP else 'customer'}:{each}" for each in ids]
        return Call(rows, payload, keys)

    def send(self, client: Any, call: Call) -> Any:
        """Hand over; the answer names failures only for groups, everybody for customers."""
        if call.payload["what"] == rules.GROUP:
            return group_calls.send(client, call)
        return customer_calls.send(client, call)

    def interpret(self, call: Call, answer: Any, error: StoreOpsError | None) -> list[RowResult]:
        """Accepted rows wait; each other row has its own code."""
        if error is not None:
            return [
                RowResult(
                    row.row,
                    record.refused_status(error.errcode),
                    error.errcode,
                    extra=record.result_fields(row),
                )
                for row in call.rows
            ]
        if call.payload["what"] == rules.GROUP:
            return group_calls.interpret(call, answer)
        return customer_calls.interpret(call, answer)

    def read_back(self, client: Any, call: Call) -> list[RowResult]:
        """Look for the attempts in WeCom's own list; never sends."""
        if call.payload["what"] == rules.GROUP:
            return group_calls.read_back(client, call)
        return customer_calls.read_back(client, call)

    def facts(
        self, db: Database, results: Sequence[tuple[Row, RowResult]], ref: str, now: int
    ) -> None:
        """Keep attempts and troubles; what is done moves in the mirror."""
        record.keep(db, results, ref, now)

    def inverse(self, view: View, rows: Sequence[Row]) -> tuple[str, list[tuple[Row, Verdict]]]:
        """A handover cannot be unsent.

        Raises:
            PolicyError: always; names the way back and what it costs.
        """
        left = all(row.extra["kind"] == rules.RESIGNED for row in rows)
        raise PolicyError(
            _("A handover cannot be undone: the customers have moved."),
            hint=_("The former owners have left; a colleague can take the customers instead.")
            if left
            else _(
                "Plan the way back; each customer's second handover within 90 days is the last: "
                "storeops handover back-plan PLAN"
            ),
        )
