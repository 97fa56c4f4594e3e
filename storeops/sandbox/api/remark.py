"""Remarks on one relation (doc 92115)."""

from __future__ import annotations

from storeops.sandbox.customers import WECHAT
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.refusals import Refusal, parameter

_LIMITS = {"remark": 20, "description": 150, "remark_company": 20}
_MOBILES_MAX, _MOBILE_LENGTH = 20, 32


@endpoint("externalcontact/remark", Need.CUSTOMERS, one_customer=True)
def remark(call: Call) -> Answer:
    """doc 92115: what is left out stays; mobiles replace, and [""] clears them."""
    body, corp = call.body, call.corp
    userid, external_userid = call.pair()
    texts = {name: body.text_or_none(name) for name in _LIMITS}
    mobiles = body.texts_or_none("remark_mobiles")
    picture = body.text("remark_pic_mediaid")
    if not any(texts.values()) and not mobiles and not picture:
        raise Refusal(call.settings.remark_empty_errcode)
    for name, limit in _LIMITS.items():
        text = texts[name] or ""
        if len(text) > limit:
            raise parameter(name, f"exceed max utf8 words {limit}")
        if any(word in text for word in call.settings.forbidden_words):
            raise Refusal(85002)
    if mobiles is not None:
        if len(mobiles) > _MOBILES_MAX:
            raise parameter("remark_mobiles", f"exceed max size {_MOBILES_MAX}")
        if any(len(m) > _MOBILE_LENGTH for m in mobiles):
            raise parameter("remark_mobiles", f"element exceed max length {_MOBILE_LENGTH}")
    follow = call.follow(userid, external_userid)
    wechat = corp.customers.kind[corp.follows.customer[follow]] == WECHAT
    if picture and not wechat and call.settings.remark_pic_type2_errcode:
        raise Refusal(call.settings.remark_pic_type2_errcode)
    if picture and wechat:
        raise Refusal(40007)  # this corp has uploaded no temporary media
    if texts["remark"] is not None:
        corp.follows.set_remark(follow, texts["remark"])
    if texts["description"] is not None:
        corp.follows.set_description(follow, texts["description"])
    if texts["remark_company"] is not None and (
        wechat or call.settings.remark_company_type2 == "keep"
    ):
        corp.follows.set_company(follow, texts["remark_company"])
    if mobiles is not None:
        corp.follows.set_mobiles(follow, tuple(m for m in mobiles if m))
    return Answer()
