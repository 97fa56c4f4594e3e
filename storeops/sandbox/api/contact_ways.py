"""Contact ways (doc 92228): made, shown, listed, changed and deleted by apps alone."""

from __future__ import annotations

from typing import Any

from storeops.sandbox import ways
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.organisation import USERID
from storeops.sandbox.refusals import Refusal, parameter
from storeops.sandbox.ways import BUTTON, LISTED_SINCE, MULTI, QR, SINGLE, ContactWay

_TEXT_MAX = 30  # characters of remark and state
_REACH_MAX = 100  # members, those of departments included
_LIST_DAYS = 90


@endpoint("externalcontact/add_contact_way", Need.CUSTOMERS)
def add_contact_way(call: Call) -> Answer:
    """doc 92228: at most 500,000 a corp; temporary chats are not offered."""
    body, book = call.body, call.corp.contact_ways
    if not body.given("type"):
        raise Refusal(41037)
    type_ = body.number("type")
    if type_ not in (SINGLE, MULTI):
        raise Refusal(41039)
    if not body.given("scene"):
        raise Refusal(41038)
    scene = body.number("scene")
    if scene not in (BUTTON, QR):
        raise Refusal(41040)
    if body.flag("is_temp"):
        raise Refusal(48001, "the sandbox does not offer temporary chats")
    fields = _fields(call, type_, scene)
    _check_people(call, type_, fields.get("user", []), fields.get("party", []))
    if len(book.ways) >= call.settings.contact_way_cap:
        raise Refusal(41045)
    made = book.add(type_, scene, call.now, **fields)
    answer = Answer.of(config_id=made.config_id)
    if made.qr_code:
        answer.fields["qr_code"] = dumps(made.qr_code)
    return answer


def _fields(call: Call, type_: int, scene: int) -> dict[str, Any]:
    """What of a way the body gives; what it does not give is left alone."""
    body = call.body
    found: dict[str, Any] = {}
    for name in ("remark", "state"):
        text = body.text_or_none(name)
        if text is not None:
            if len(text) > _TEXT_MAX:
                raise parameter(name, f"exceed max utf8 words {_TEXT_MAX}")
            found[name] = text
    for name in ("skip_verify", "is_exclusive"):
        flag = body.flag_or_none(name)
        if flag is not None:
            found[name] = flag
    style = body.number_or_none("style")
    if style is not None and scene == BUTTON:
        if style not in (1, 2, 3):
            raise Refusal(41042)
        found["style"] = style
    users = body.texts_or_none("user")
    if users is not None:
        found["user"] = [_user(call, each) for each in dict.fromkeys(users)]
    parties = body.numbers_or_none("party")
    if parties is not None:
        found["party"] = [_party(call, each) for each in dict.fromkeys(parties)]
        if type_ == SINGLE and found["party"]:
            raise parameter("party", "is for type 2 only")
    return found


def _user(call: Call, userid: str) -> str:
    """The userid as the corp has it: 40003, 60111, 60011, 41054."""
    if not USERID.fullmatch(userid):
        raise Refusal(40003)
    member = call.corp.organisation.present(userid)
    if member is None:
        raise Refusal(60111)
    if member.number not in call.scope.members:
        raise Refusal(60011)
    if not ways.fit(member):
        raise Refusal(41054)
    return member.userid


def _party(call: Call, party: int) -> int:
    if party not in call.corp.organisation.departments:
        raise Refusal(60123)
    if party not in call.scope.departments:
        raise Refusal(60011)
    return party


def _check_people(call: Call, type_: int, users: list[str], parties: list[int]) -> None:
    if not users and not parties:
        raise parameter("user and party", "are both empty")
    if type_ == SINGLE and len(users) != 1:
        raise parameter("user", "must be exactly one for type 1")
    if len(ways.members(call.corp.organisation, users, parties)) > _REACH_MAX:
        raise Refusal(41041)


def _way(call: Call) -> ContactWay:
    config_id = call.body.text("config_id")
    if not config_id:
        raise Refusal(41043)
    way = call.corp.contact_ways.ways.get(config_id)
    if way is None:
        raise Refusal(41044)
    return way


@endpoint("externalcontact/get_contact_way", Need.CUSTOMERS)
def get_contact_way(call: Call) -> Answer:
    """doc 92228."""
    way = _way(call)
    row = way.as_json()
    if call.settings.contact_way_leavers == "dropped":
        present = call.corp.organisation.present
        row["user"] = [u for u in way.user if present(u) is not None]
    return Answer.of(contact_way=row)


@endpoint("externalcontact/list_contact_way", Need.CUSTOMERS, lists=("contact_way",))
def list_contact_way(call: Call) -> Answer:
    """doc 92228: ids of those made between two moments; the last 90 days unless said."""
    body = call.body
    start = body.number("start_time", call.now - _LIST_DAYS * 86_400)
    end = body.number("end_time", call.now)
    if start > end:
        raise Refusal(600018)
    limit = body.number("limit", 100)
    if not 1 <= limit <= 1000:
        raise parameter("limit", "must be between 1 and 1000")
    found = [
        way.config_id
        for way in call.corp.contact_ways.ways.values()
        if max(start, LISTED_SINCE) <= way.create_time <= end
    ]
    query = dumps([start, body.number("end_time", 0)])
    first, last, cursor = call.page(len(found), limit, body.text("cursor"), query)
    rows = [dumps({"config_id": each}) for each in found[first:last]]
    return Answer({"contact_way": rows, "next_cursor": dumps(cursor)})


@endpoint("externalcontact/update_contact_way", Need.CUSTOMERS)
def update_contact_way(call: Call) -> Answer:
    """doc 92228: what is given replaces what was; type and scene stay."""
    way = _way(call)
    fields = _fields(call, way.type, way.scene)
    if {"user", "party"} & set(fields):
        people = [fields.get("user", way.user), fields.get("party", way.party)]
        _check_people(call, way.type, *people)
    for name, value in fields.items():
        setattr(way, name, value)
    return Answer()


@endpoint("externalcontact/del_contact_way", Need.CUSTOMERS)
def del_contact_way(call: Call) -> Answer:
    """doc 92228: the code leads nowhere from now on."""
    del call.corp.contact_ways.ways[_way(call).config_id]
    return Answer()
