"""Calls about customers: transfer_customer and its resigned twin, and what came of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storeops.changes.action import DONE, QUEUED, UNKNOWN, WAITING, Call, Row, RowResult
from storeops.domains.handover import record, rules
from storeops.domains.handover.outcomes import resolve
from storeops.errors import StoreOpsError
from storeops.wecom.errcodes import ErrorCondition, condition_of
from storeops.wecom.failures import lost_row
from storeops.wecom.oddities import collecting_lost

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient
    from storeops.wecom.handover import TransferOutcome

TRANSFER_PATH = "externalcontact/transfer_customer"  # as wecom.handover.TRANSFER, unimported
PATIENCE = 5  # asks (about 20 s) before an attempt that does not show is taken as not begun
SOON_S = 60  # after which a customer who seems to have moved by a lost call is asked about
READERS = 3  # threads that read personal tags before one call
# what an attempt of ours that ran before answers
_PERHAPS_OURS = (
    ErrorCondition.HANDOVER_RUNNING,
    ErrorCondition.NOT_THE_OWNERS,
    ErrorCondition.NO_RELATION,
)


@dataclass(frozen=True, slots=True)
class Sent:
    """What one call brought.

    Attributes:
        asked_at: WeCom's time when it was answered, Unix seconds.
        codes: external_userid → errcode.
        personal: external_userid → personal tags of the owner's relation, as read before.
        shown: external_userid → rows of the result list, of customers whose refusal may mean that
            an attempt of this very pair is running or done.
    """

    asked_at: float
    codes: dict[str, int]
    personal: dict[str, list[str]]
    shown: dict[str, list[tuple[int, int]]]


def send(client: WeComClient, call: Call) -> Sent:
    """Hand the customers of a call over; on the job personal tags are read first, if wished."""
    from storeops.wecom import handover  # httpx and msgspec, 150 ms: workers only

    payload = call.payload
    from_owner, to_owner, ids = payload["from"], payload["to"], payload["ids"]
    if payload["kind"] == rules.RESIGNED:
        rows = handover.resigned_transfer(client, from_owner, to_owner, ids)
        personal: dict[str, list[str]] = {}
    else:
        personal = _personal_tags(client, from_owner, ids) if payload["personal_tags"] else {}
        message = payload["message"]
        rows = handover.transfer(client, from_owner, to_owner, ids, transfer_success_msg=message)
    codes = {row.external_userid: row.errcode for row in rows}
    asked_at = client.clock.now()
    doubtful = {external for external, code in codes.items() if condition_of(code) in _PERHAPS_OURS}
    return Sent(asked_at, codes, personal, _shown(client, call, doubtful) if doubtful else {})


def _shown(client: WeComClient, call: Call, wanted: set[str]) -> dict[str, list[tuple[int, int]]]:
    """Rows of the pair's result list about these customers; {} when WeCom refuses to tell.

    Raises:
        UncertainError: the list cannot be read now. A refusal may mean that an attempt of ours ran
            before, so that nobody knows these customers' fate until it was read (`read_back`).
    """
    from storeops.changes.decision import What, decide
    from storeops.wecom.errors import UncertainError

    payload = call.payload
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    try:
        for page in pages_of(client, payload["kind"], payload["from"], payload["to"]):
            for external, rows in outcomes_of(page).items():
                if external in wanted:
                    found[external] += rows
    except StoreOpsError as error:
        if decide(error, 1).what is not What.FINAL:
            raise UncertainError(error.message) from error
        return {}  # the codes stand as they are: what was sent is answered
    return found


def _personal_tags(client: WeComClient, userid: str, ids: Sequence[str]) -> dict[str, list[str]]:
    """Personal tags (type 2) of one member's relations: only externalcontact/get tells them.

    A customer whom WeCom refuses to show has none here: the transfer itself will say why.

    Raises:
        StoreOpsError: passing trouble; nothing was handed over yet.
    """
    from storeops.changes.decision import What, decide
    from storeops.wecom import customers

    def read(external_userid: str) -> list[str]:
        try:
            with collecting_lost() as lost:
                person = customers.get(client, external_userid)
        except StoreOpsError as error:
            if decide(error, 1).what is What.FINAL:
                return []
            raise
        for follow in person.follow_user:
            if follow.userid.lower() == userid.lower():
                return [tag.tag_name for tag in follow.tags if tag.type == 2]
        for row in lost:
            if row.may_be(userid=userid):
                raise lost_row(row)
        return []

    with ThreadPoolExecutor(READERS, "personal-tags") as pool:
        found = dict(zip(ids, pool.map(read, ids), strict=True))
    return {external: tags for external, tags in found.items() if tags}


def interpret(call: Call, sent: Sent) -> list[RowResult]:
    """One answer per row; a customer whom WeCom's answer leaves out is of unknown fate."""
    answers = []
    due = sent.asked_at + rules.AUTOMATIC_S
    for row in call.rows:
        code = sent.codes.get(row.external_userid)
        # sent again after an answer was lost: what is in progress is our own first attempt
        ours = condition_of(code) is ErrorCondition.HANDOVER_RUNNING and call.ambiguous_sends > 0
        shown = sent.shown.get(row.external_userid)
        if shown and code:
            earlier = _found(row, shown, call, sent.asked_at)
            if earlier.status not in (QUEUED, UNKNOWN):
                answers.append(earlier)
                continue
        if code == 0 or ours:
            extra = record.result_fields(row, asked_at=sent.asked_at, due_at=due)
            if personal := sent.personal.get(row.external_userid):
                extra["personal_tags"] = personal
            answers.append(RowResult(row.row, WAITING, due_at=due, extra=extra))
        elif condition_of(code) in _PERHAPS_OURS and call.ambiguous_sends:
            # moved already, perhaps by the call whose answer was lost; the list is late
            began, soon = float(call.payload["made_at"]), sent.asked_at + SOON_S
            extra = record.result_fields(row, asked_at=began, due_at=soon)
            answers.append(RowResult(row.row, WAITING, due_at=soon, extra=extra))
        elif code is None:
            # no word about this customer: what the result list shows will tell
            extra = record.result_fields(row, asked_at=sent.asked_at, due_at=due)
            answers.append(RowResult(row.row, WAITING, due_at=due, extra=extra))
        else:
            status = record.refused_status(code)
            answers.append(RowResult(row.row, status, code, extra=record.result_fields(row)))
    return answers


def pages_of(
    client: WeComClient, kind: str, handover_userid: str, takeover_userid: str
) -> Iterator[Sequence[TransferOutcome]]:
    """The result list of a pair, page by page (at most 1,000 rows each)."""
    from storeops.wecom import handover
    from storeops.wecom.paging import pages

    if kind == rules.RESIGNED:
        path, read = handover.RESIGNED_TRANSFER_RESULT, handover.resigned_transfer_result
    else:
        path, read = handover.TRANSFER_RESULT, handover.transfer_result
    for page in pages(path, lambda cursor: read(client, handover_userid, takeover_userid, cursor)):
        yield page.customer


def outcomes_of(page_rows: Sequence[TransferOutcome]) -> dict[str, list[tuple[int, int]]]:
    """(status, takeover_time) rows by customer."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in page_rows:
        found[row.external_userid].append((row.status, row.takeover_time))
    return found


def read_back(client: WeComClient, call: Call) -> list[RowResult]:
    """What became of a call whose answer was lost.

    A row that shows was accepted. One that does not show may be late, so it stays unknown for a
    while; then it is sent again, which WeCom refuses should it be running after all.
    """
    payload = call.payload
    shown: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for page in pages_of(client, payload["kind"], payload["from"], payload["to"]):
        for external, rows in outcomes_of(page).items():
            shown[external] += rows
    now = client.clock.now()
    answers = [_found(row, shown.get(row.external_userid, []), call, now) for row in call.rows]
    if payload["kind"] == rules.ON_JOB and payload["personal_tags"]:
        _read_again(client, call, answers)
    return answers


def _read_again(client: WeComClient, call: Call, answers: Sequence[RowResult]) -> None:
    """Personal tags of customers who wait: what was read before sending went with the answer."""
    waiting = {each.row for each in answers if each.status == WAITING}
    ids = [row.external_userid for row in call.rows if row.row in waiting]
    try:
        personal = _personal_tags(client, str(call.payload["from"]), ids)
    except StoreOpsError:
        return  # what became of the handover is worth more than tags that become a note
    by_row = {row.row: row.external_userid for row in call.rows}
    for each in answers:
        if tags := personal.get(by_row[each.row]):
            assert isinstance(each.extra, dict)
            each.extra["personal_tags"] = tags


def _found(row: Row, rows: list[tuple[int, int]], call: Call, now: float) -> RowResult:
    made_at = float(call.payload["made_at"])
    earlier = [str(each) for each in row.extra.get("earlier", ())]
    outcome = resolve(rows, asked_at=made_at, due_at=now + 1, earlier=earlier, now=now)
    if outcome is None:
        return RowResult(row.row, QUEUED if call.reconcile_attempts >= PATIENCE else UNKNOWN)
    if outcome.status == WAITING:
        asked_at, due = outcome.at - rules.AUTOMATIC_S, outcome.at
        extra = record.result_fields(row, asked_at=asked_at, due_at=due)
        return RowResult(row.row, WAITING, due_at=due, extra=extra)
    at = outcome.at if outcome.status == DONE else now
    extra = record.result_fields(row, asked_at=made_at, due_at=at, settled_at=at)
    return RowResult(row.row, outcome.status, extra=extra)
