"""Id conversions (doc 97108), as far as a corp's own app can call them."""

from __future__ import annotations

from storeops.sandbox.customers import WECHAT
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.ids import CustomerIds, digest
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.refusals import Refusal, parameter


def _followed(call: Call, row: int) -> bool:
    """Somebody present follows this person."""
    corp = call.corp
    return any(not corp.member_of(f).left_at for f in corp.follows.of_customer(corp.customers, row))


def _provider_ids(call: Call) -> CustomerIds:
    """The ids a service provider would see for the same people."""
    return CustomerIds(call.corp.seed ^ 0x5EED)


@endpoint("externalcontact/convert_to_openid", Need.CUSTOMERS)
def convert_to_openid(call: Call) -> Answer:
    """doc 92323: WeChat users only."""
    row = call.customer(call.body.text("external_userid"))
    if call.corp.customers.kind[row] != WECHAT:
        raise Refusal(41056)
    if not _followed(call, row):
        raise Refusal(84061)
    return Answer.of(openid="o" + digest(call.corp.seed, "openid", row, size=18).hex()[:27])


def _by_unionid(call: Call) -> int:
    unionid = call.body.text("unionid")
    if not call.settings.unionid_bound:
        raise Refusal(41057)
    if not unionid.startswith("o") or len(unionid) != 28:
        raise Refusal(610014)
    return call.corp.customers.find_unionid(unionid)


@endpoint("externalcontact/unionid_to_external_userid", Need.CUSTOMERS)
def unionid_to_external_userid(call: Call) -> Answer:
    """doc 93274."""
    row = _by_unionid(call)
    if row < 0 or not _followed(call, row):
        raise Refusal(84061)
    return Answer.of(external_userid=call.corp.customers.id(row))


def _pending_id(call: Call, who: str) -> str:
    return "p" + digest(call.corp.seed, "pending", who, size=15).hex()


@endpoint("idconvert/unionid_to_external_userid", Need.CUSTOMERS)
def idconvert_unionid(call: Call) -> Answer:
    """doc 97108: a person who is no contact yet gets a pending_id."""
    if not call.body.text("openid"):
        raise parameter("openid", "is empty")
    if call.body.number("subject_type") not in (0, 1):
        raise parameter("subject_type", "must be 0 or 1")
    row = _by_unionid(call)
    if row < 0 or not _followed(call, row):
        pending = _pending_id(call, call.body.text("unionid"))
        return Answer.of(external_userid="", pending_id=pending)
    return Answer.of(external_userid=call.corp.customers.id(row))


def _pending_batch(call: Call) -> Answer:
    ids = call.body.texts("external_userid")
    if not 1 <= len(ids) <= 100:
        raise parameter("external_userid", "must hold 1 to 100 elements")
    chat_id = call.body.text("chat_id")
    if chat_id and chat_id not in call.corp.groups:
        raise Refusal(40050)
    rows = [
        dumps({"external_userid": i, "pending_id": _pending_id(call, i)})
        for i in ids
        if call.corp.customers.find(i) >= 0
    ]
    return Answer({"result": rows})


@endpoint("idconvert/batch/external_userid_to_pending_id", Need.CUSTOMERS, lists=("result",))
def idconvert_pending(call: Call) -> Answer:
    """doc 97108: ids of nobody are left out."""
    return _pending_batch(call)


@endpoint("corpgroup/batch/external_userid_to_pending_id", Need.CUSTOMERS, lists=("result",))
def corpgroup_pending(call: Call) -> Answer:
    """doc 97357: the twin for linked corps."""
    return _pending_batch(call)


@endpoint("externalcontact/to_service_external_userid", Need.CUSTOMERS)
def to_service_external_userid(call: Call) -> Answer:
    """doc 95195: the provider's form of an id."""
    row = call.customer(call.body.text("external_userid"))
    kind = call.corp.customers.kind[row]
    return Answer.of(external_userid=_provider_ids(call).make(row, kind).decode())


@endpoint("externalcontact/from_service_external_userid", Need.CUSTOMERS)
def from_service_external_userid(call: Call) -> Answer:
    """The corp's form of a provider's id."""
    wanted = call.body.text("external_userid")
    if not wanted:
        raise Refusal(41035)
    if not call.body.number("source_agentid"):
        raise Refusal(40056)
    ids, people = _provider_ids(call), call.corp.customers
    raw = wanted.encode("utf-8", "replace")
    row = ids.row_of(raw)
    if not 0 <= row < len(people) or ids.make(row, people.kind[row]) != raw:
        raise Refusal(40096, f"invalid external userid: `{wanted}`")
    return Answer.of(external_userid=people.id(row))


def _renewed(call: Call) -> Answer:
    ids = call.body.texts("external_userid_list")
    if not 1 <= len(ids) <= 1000:
        raise parameter("external_userid_list", "must hold 1 to 1000 elements")
    people, new = call.corp.customers, _provider_ids(call)
    rows = [
        dumps(
            {"external_userid": i, "new_external_userid": new.make(row, people.kind[row]).decode()}
        )
        for i in ids
        if (row := people.find(i)) >= 0
    ]
    return Answer({"items": rows})


@endpoint("externalcontact/get_new_external_userid", Need.CUSTOMERS, lists=("items",))
def get_new_external_userid(call: Call) -> Answer:
    """doc 97107: unknown ids are skipped."""
    return _renewed(call)


@endpoint("externalcontact/groupchat/get_new_external_userid", Need.CUSTOMERS, lists=("items",))
def groupchat_get_new_external_userid(call: Call) -> Answer:
    """The same for members of one group."""
    if call.body.text("chat_id") not in call.corp.groups:
        raise Refusal(40050)
    return _renewed(call)
