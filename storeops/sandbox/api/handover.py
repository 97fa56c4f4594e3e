"""Handover of customers (doc 92125, 94088; after leaving 94081, 94082) and its old calls."""

from __future__ import annotations

from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.handover.handovers import ON_JOB, RESIGNED, Attempt
from storeops.sandbox.handover.predictable import PredictableRefusal
from storeops.sandbox.handover.rules import (
    customer_fault,
    former_owner,
    successor,
    successor_fault,
)
from storeops.sandbox.ids import digest
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.organisation import Member
from storeops.sandbox.refusals import Refusal

_MOST = 100  # customers a call
_MESSAGE = 200  # characters of transfer_success_msg
_PAGE = 1000  # rows of a result page


def _too_long(field: str, rule: str) -> PredictableRefusal:
    return PredictableRefusal(40058, f"{field} {rule}. invalid Request Parameter")


def _people(call: Call, kind: str) -> tuple[Member, Member]:
    """Both members of the pair, checked as far as the whole call depends on them."""
    from_owner = former_owner(call, kind)
    to_owner = successor(call)
    if from_owner is to_owner:
        raise PredictableRefusal(40130)
    return from_owner, to_owner


def _hand_over(call: Call, kind: str, ids: list[str]) -> list[tuple[str, int]]:
    """(external_userid, errcode) in the order asked; raises Refusal for the whole call."""
    corp, settings = call.corp, call.settings
    predictable = corp.handovers.predictable
    subject = f"{call.body.text('handover_userid')} → {call.body.text('takeover_userid')}"
    try:
        if not ids:
            raise PredictableRefusal(41035)
        if len(ids) > _MOST:
            raise _too_long("external_userid", "exceed max size 100")
        if kind == ON_JOB and len(call.body.text("transfer_success_msg")) > _MESSAGE:
            raise _too_long("transfer_success_msg", "exceed max length 200")
        from_owner, to_owner = _people(call, kind)
        trouble = successor_fault(call, to_owner)
        if trouble is not None and settings.handover_taker_errors == "call":
            raise trouble
    except Refusal as refusal:
        known = isinstance(refusal, PredictableRefusal)
        predictable.note(call.path, refusal.errcode, max(1, len(ids)), known, subject)
        raise
    answers: list[tuple[str, int]] = []
    full = False
    for external_userid in ids:
        fault, follow = customer_fault(call, kind, from_owner, to_owner, external_userid)
        fault = trouble or fault
        if fault is None:
            corp.handovers.begin(corp, settings, kind, from_owner, to_owner, follow, call.now)
        else:
            full = full or fault.errcode == 40099
            known = isinstance(fault, PredictableRefusal)
            predictable.note(call.path, fault.errcode, 1, known, f"{subject}: {external_userid}")
        answers.append((external_userid, fault.errcode if fault else 0))
    if full:
        predictable.name_trouble(str(to_owner.number), 40099, len(corp.held_by(to_owner)))
    return answers


def _rows(answers: list[tuple[str, int]]) -> Answer:
    rows = [dumps({"external_userid": who, "errcode": code}) for who, code in answers]
    return Answer({"customer": rows})


@endpoint("externalcontact/transfer_customer", Need.CUSTOMERS)
def transfer_customer(call: Call) -> Answer:
    """doc 92125: accepted is not done; each customer has an errcode of its own."""
    return _rows(_hand_over(call, ON_JOB, call.body.texts("external_userid")))


@endpoint("externalcontact/resigned/transfer_customer", Need.CUSTOMERS)
def resigned_transfer_customer(call: Call) -> Answer:
    """doc 94081: for members who left; a farewell message has no place here."""
    refuse = call.settings.resigned_message_errcode
    if refuse and call.body.given("transfer_success_msg"):
        raise Refusal(refuse)
    return _rows(_hand_over(call, RESIGNED, call.body.texts("external_userid")))


@endpoint("externalcontact/transfer", Need.CUSTOMERS)
def transfer(call: Call) -> Answer:
    """The old call for one customer, either kind (doc 92125); its errcode is the customer's."""
    who = call.body.text("external_userid")
    from_owner = call.corp.organisation.find(call.body.text("handover_userid"))
    kind = RESIGNED if from_owner is not None and from_owner.left_at else ON_JOB
    for _, errcode in _hand_over(call, kind, [who] if who else []):
        if errcode:
            raise Refusal(errcode)
    return Answer()


def _attempts(call: Call, kind: str, from_owner: Member, to_owner: Member) -> list[Attempt]:
    """Attempts of a pair in the order the settings want, those not told yet left out."""
    handovers, settings = call.corp.handovers, call.settings
    numbers = handovers.by_pair.get((kind, from_owner.number, to_owner.number), [])
    found = [handovers.attempts[n] for n in numbers]
    found = [a for a in found if handovers.shown(a, settings, call.now) is not None]
    if settings.handover_result_rows == "newest":
        found = list({a.customer: a for a in found}.values())
    if settings.handover_result_order == "newest":
        found.reverse()
    elif settings.handover_result_order == "shuffled":
        found.sort(key=lambda a: digest(call.corp.seed, "result", a.number, size=8))
    return found


def _pair(call: Call) -> tuple[Member, Member]:
    """The members asked about; they need not be present any more."""
    people = []
    for field in ("handover_userid", "takeover_userid"):
        userid = call.body.text(field)
        if not userid:
            raise Refusal(41009)
        member = call.corp.organisation.find(userid)
        if member is None:
            raise Refusal(60111)
        people.append(member)
    return people[0], people[1]


def _results(call: Call, kind: str) -> Answer:
    handovers, settings = call.corp.handovers, call.settings
    from_owner, to_owner = _pair(call)
    found = _attempts(call, kind, from_owner, to_owner)
    if not found and settings.handover_unknown_pair_errcode:
        raise Refusal(settings.handover_unknown_pair_errcode)
    query = dumps([kind, from_owner.number, to_owner.number])
    start, end, cursor = call.page(len(found), _PAGE, call.body.text("cursor"), query)
    rows = []
    for attempt in found[start:end]:
        result = handovers.shown(attempt, settings, call.now)
        assert result is not None
        rows.append(
            dumps(
                {
                    "external_userid": call.corp.customers.id(attempt.customer),
                    "status": result[0],
                    "takeover_time": result[1],
                }
            )
        )
    return Answer({"customer": rows, "next_cursor": dumps(cursor)})


@endpoint("externalcontact/transfer_result", Need.CUSTOMERS)
def transfer_result(call: Call) -> Answer:
    """doc 94088: a row per attempt of this pair, up to 1,000 a page."""
    return _results(call, ON_JOB)


@endpoint("externalcontact/resigned/transfer_result", Need.CUSTOMERS)
def resigned_transfer_result(call: Call) -> Answer:
    """doc 94082: as on the job, but there is no status 5."""
    return _results(call, RESIGNED)


@endpoint("externalcontact/get_transfer_result", Need.CUSTOMERS)
def get_transfer_result(call: Call) -> Answer:
    """The old call for one customer: the newest attempt of the pair, 5 for none."""
    handovers = call.corp.handovers
    from_owner, to_owner = _pair(call)
    row = call.customer(call.body.text("external_userid"))
    newest: Attempt | None = None
    for kind in (ON_JOB, RESIGNED):
        for attempt in _attempts(call, kind, from_owner, to_owner):
            if attempt.customer == row and (newest is None or attempt.number > newest.number):
                newest = attempt
    result = handovers.shown(newest, call.settings, call.now) if newest else (5, 0)
    assert result is not None
    return Answer.of(status=result[0], takeover_time=result[1])
