"""Paths that WeCom has and the sandbox has not are told from typing mistakes."""

import pytest

from storeops.sandbox import not_offered
from storeops.sandbox.endpoints import TABLE


@pytest.mark.parametrize(
    "path", ["calendar/add", "media/uploadimg", "externalcontact/close_temp_chat", "agent/get"]
)
def test_a_known_path_says_that_it_is_not_offered(api, path):
    for method, body in (("GET", None), ("POST", b"{}")):
        answer = api.send(path, method=method, body=body, access_token="whatever")
        assert (api.status, answer["errcode"]) == (200, 48001)
        assert answer["errmsg"] == f"the sandbox does not offer {path}"
        assert api.header("Error-Code") == "48001"
    count = api.control.calls()["paths"][path]
    assert (count["calls"], count["in_flight"], count["errcodes"]) == (2, 0, {"not offered": 2})


@pytest.mark.parametrize(
    "path", ["message/sent", "message", "message/send/", "../cgi-bin/message/send", "Message/send"]
)
def test_a_typing_mistake_stays_an_empty_404(api, path):
    assert api.send(path, access_token=api.token) is None
    assert (api.status, api.raw) == (404, b"")


def test_known_paths_count_only_below_cgi_bin(api):
    api._connection.request("GET", "/message/send")
    assert api._connection.getresponse().status == 404


def test_no_path_is_both_offered_and_not():
    offered = {path.removeprefix("/cgi-bin/") for path in TABLE}
    assert not offered & not_offered.PATHS
    assert all(path and path == path.strip("/") for path in not_offered.PATHS)
