"""gettoken and the IP lists (doc 91039, 92520)."""

from __future__ import annotations

import hmac

from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.refusals import Refusal


@endpoint("gettoken", Need.NOTHING, body=False)
def gettoken(call: Call) -> Answer:
    """doc 91039. The secret is looked at before the corp; the same token while it lives."""
    secret, corp_id = call.query.get("corpsecret", ""), call.query.get("corpid", "")
    if not secret:
        raise Refusal(41004)
    if not corp_id:
        raise Refusal(41002)
    world = call.world
    if world.throttle.address_blocked(call.ip, call.now):
        raise Refusal(45009)
    if corp_id != call.corp.corp_id:
        raise Refusal(40013)
    given = secret.encode("utf-8", "replace")
    for app in call.corp.apps.values():
        if hmac.compare_digest(app.secret.encode(), given):
            break
    else:
        world.throttle.secret_refused(call.ip, call.now, call.settings)
        raise Refusal(40001)
    if app.disabled:
        raise Refusal(50003)
    life = call.settings.token_life_s
    token = world.tokens.issue(app, call.now, life)
    remaining = call.settings.repeat_expires_in != "full"
    return Answer.of(
        access_token=token.text, expires_in=token.expires_at - call.now if remaining else life
    )


@endpoint("get_api_domain_ip", Need.TOKEN, body=False, lists=("ip_list",), lists_first=True)
def get_api_domain_ip(call: Call) -> Answer:
    """doc 92520: addresses from the documentation range."""
    return Answer({"ip_list": [dumps(ip) for ip in ("203.0.113.10", "203.0.113.11")]})


@endpoint("getcallbackip", Need.TOKEN, body=False, lists=("ip_list",), lists_first=True)
def getcallbackip(call: Call) -> Answer:
    """doc 90930: ranges occur, so nobody should parse them as plain IPv4."""
    return Answer({"ip_list": [dumps(ip) for ip in ("203.0.113.0/28", "203.0.113.64")]})
