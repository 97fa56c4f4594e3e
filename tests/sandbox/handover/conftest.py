"""A sandbox with a chain small enough to know by heart, and a bare caller of its API."""

import http.client
import json
from urllib.parse import urlencode, urlsplit

import pytest

from storeops.sandbox import local

DAY = 86_400


class Caller:
    """Calls the API over a socket as any SDK would; one token for its life."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.control = sandbox.control
        parts = urlsplit(sandbox.base_url)
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        self.token = self._fetch()

    def _fetch(self):
        query = {"corpid": self.sandbox.corp_id, "corpsecret": self.sandbox.secret}
        return self._send("GET", "gettoken", query, None)["access_token"]

    def _call(self, method, path, query, body):
        answer = self._send(method, path, {"access_token": self.token, **query}, body)
        if answer["errcode"] == 42001:
            self.token = self._fetch()
            answer = self._send(method, path, {"access_token": self.token, **query}, body)
        return answer

    def _send(self, method, path, query, body):
        raw = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        self._connection.request(method, f"/cgi-bin/{path}?{urlencode(query)}", raw)
        return json.loads(self._connection.getresponse().read())

    def get(self, path, **query):
        return self._call("GET", path, query, None)

    def post(self, path, **body):
        return self._call("POST", f"externalcontact/{path}", {}, body)

    def close(self):
        self._connection.close()

    # -- what the chain looks like

    def export(self, table):
        return list(self.control.export(table))

    def staff(self):
        """Present members with customer contact, those with most customers first."""
        people = [
            m
            for m in self.export("staff")
            if not m["left_at"] and m["customer_contact"] and m["status"] == 1
        ]
        return sorted(people, key=lambda m: (-m["customers"], m["userid"]))

    def leavers(self):
        """Leavers with customers, latest first."""
        people = [m for m in self.export("staff") if m["left_at"] and m["customers"]]
        return sorted(people, key=lambda m: -m["left_at"])

    def customers(self, userid, other=None):
        """Customers of a member; those nobody in `other` has."""
        rows = self.export("follows")
        taken = {r["external_userid"] for r in rows if r["userid"] == other}
        return [
            r["external_userid"]
            for r in rows
            if r["userid"] == userid
            and r["external_userid"] not in taken
            and not r["deleted_by_customer_at"]
        ]

    def follow(self, userid, external_userid):
        for row in self.export("follows"):
            if row["userid"] == userid and row["external_userid"] == external_userid:
                return row
        return None

    def decide(self, external_userid, act, after_s=0):
        self.control.call(
            "POST",
            "handover/will",
            {"external_userid": external_userid, "act": act, "after_s": after_s},
        )

    def member(self, userid, **conditions):
        return self.control.call("POST", "handover/member", {"userid": userid, **conditions})

    def transfer(self, from_owner, to_owner, ids, resigned=False, **more):
        path = "resigned/transfer_customer" if resigned else "transfer_customer"
        return self.post(
            path, handover_userid=from_owner, takeover_userid=to_owner, external_userid=ids, **more
        )

    def results(self, from_owner, to_owner, resigned=False):
        path = "resigned/transfer_result" if resigned else "transfer_result"
        rows, cursor, pages = [], "", 0
        while True:
            answer = self.post(
                path, handover_userid=from_owner, takeover_userid=to_owner, cursor=cursor
            )
            assert answer["errcode"] == 0, answer
            rows += answer["customer"]
            pages += 1
            cursor = answer["next_cursor"]
            if not cursor:
                self.pages = pages
                return rows

    def codes(self, answer):
        assert answer["errcode"] == 0, answer
        return {row["external_userid"]: row["errcode"] for row in answer["customer"]}

    def summary(self):
        return self.control.call("GET", "handover")


@pytest.fixture
def start():
    """Start sandboxes with settings; they stop when the test ends."""
    opened = []

    def begin(**settings):
        shape = {"stores": 3, "staff": 12, "follows": 300, "seed": 11}
        sandbox = local.start(**(shape | settings))
        caller = Caller(sandbox)
        opened.append(caller)
        return caller

    yield begin
    for caller in opened:
        caller.close()
        caller.sandbox.stop()


@pytest.fixture
def api(start):
    """A chain where nobody acts before the time is over, unless told to."""
    return start(
        handover_at_once_rate=0,
        handover_early_rate=0,
        handover_refuse_rate=0,
        handover_delete_rate=0,
    )
