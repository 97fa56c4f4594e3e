"""gettoken and the IP lists (doc 91039, 92520)."""

import pytest

from storeops.sandbox.local import ControlError
from tests.sandbox.conftest import DAY


def test_the_secret_is_looked_at_first(api):
    assert api.send("gettoken")["errcode"] == 41004
    assert api.send("gettoken", corpid=api.sandbox.corp_id)["errcode"] == 41004
    assert api.send("gettoken", corpsecret=api.secret)["errcode"] == 41002
    assert api.send("gettoken", corpid="ww1", corpsecret=api.secret)["errcode"] == 40013
    wrong = api.send("gettoken", corpid=api.sandbox.corp_id, corpsecret="nope")
    assert wrong["errcode"] == 40001
    assert wrong["errmsg"].startswith("invalid credential, hint: [")
    odd = api.send("gettoken", corpid=api.sandbox.corp_id, corpsecret="密\ud7ff")
    assert odd["errcode"] == 40001


def _fetch(api):
    return api.send("gettoken", corpid=api.sandbox.corp_id, corpsecret=api.secret)


def test_a_repeat_answers_the_same_token_until_it_expires(api):
    first = _fetch(api)
    assert (first["errcode"], first["errmsg"], first["expires_in"]) == (0, "ok", 7200)
    api.control.advance(7000)
    assert _fetch(api)["access_token"] == first["access_token"]
    assert _fetch(api)["expires_in"] == 7200
    api.control.settings(repeat_expires_in="remaining")
    assert 190 <= _fetch(api)["expires_in"] <= 200
    assert api.send("department/list", access_token=first["access_token"])["errcode"] == 0
    api.control.advance(300)
    assert api.send("department/list", access_token=first["access_token"])["errcode"] == 42001
    assert _fetch(api)["access_token"] != first["access_token"]


def test_each_app_has_its_own_token(api):
    other = api.app(1000004)
    assert other.token != api.token
    assert other.get("department/list")["errcode"] == 0
    answer = other.get("externalcontact/get_follow_user_list")
    assert (answer["errcode"], answer["follow_user"]) == (48002, [])
    assert answer["errmsg"].startswith("api forbidden, hint: [")
    other.close()


def test_forced_expiry_and_forced_death(api):
    token = api.token
    assert api.control.expire_tokens() == 1
    assert api.get("department/list")["errcode"] == 42001
    api.forget_token()
    assert api.token != token
    assert api.get("department/list")["errcode"] == 0
    assert api.control.kill_tokens() >= 1
    assert api.get("department/list")["errmsg"] == "invalid access_token"
    api.forget_token()
    assert api.get("department/list")["errcode"] == 0


def test_a_disabled_app(api):
    assert api.token
    api.control.act("app_disable")
    assert api.get("department/list")["errcode"] == 50003
    assert _fetch(api)["errcode"] == 50003
    api.control.act("app_disable", enabled=True)
    assert api.get("department/list")["errcode"] == 0


def test_wrong_secrets_block_the_address_for_an_hour(api):
    api.control.settings(bad_secret_hour_limit=3)
    for _ in range(3):
        assert api.send("gettoken", corpid="ww", corpsecret="x")["errcode"] == 40013
        wrong = api.send("gettoken", corpid=api.sandbox.corp_id, corpsecret="x")
    assert wrong["errcode"] == 40001
    assert _fetch(api)["errcode"] == 45009
    api.control.advance(3601)
    assert _fetch(api)["errcode"] == 0


@pytest.mark.parametrize("path", ["get_api_domain_ip", "getcallbackip"])
def test_ip_lists_need_any_token(api, path):
    sync = api.app(0)
    answer = sync.get(path)
    assert answer["errcode"] == 0
    assert all(isinstance(ip, str) for ip in answer["ip_list"])
    assert api.send(path)["errcode"] == 41001
    sync.close()


def test_the_address_must_be_trusted(api):
    api.control.settings(trusted_ips=["203.0.113.9"])
    answer = api.get("department/list")
    assert answer["errcode"] == 60020
    assert "from ip: 127.0.0.1" in answer["errmsg"]
    api.control.settings(trusted_ips=["203.0.113.9", "127.0.0.1"])
    assert api.get("department/list")["errcode"] == 0


def test_tokens_of_another_corp_are_unknown(api):
    token = api.token
    api.control.reset(seed=8)
    assert api.send("department/list", access_token=token)["errcode"] == 40014
    assert api.control.status()["corp_id"] != "ww" + "0" * 16


def test_the_clock_only_moves_forward(api):
    before = api.control.now()
    assert api.control.advance(DAY) >= before + DAY
    with pytest.raises(ControlError) as error:
        api.control.advance(-5)
    assert error.value.status == 400
