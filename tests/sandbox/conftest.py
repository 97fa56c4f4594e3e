"""One sandbox per worker, with a fresh chain for every test, and a bare caller of its API."""

from __future__ import annotations

import http.client
import json
import threading
from urllib.parse import urlencode, urlsplit

import pytest

from storeops.sandbox import local
from storeops.sandbox.settings import Settings

SHAPE = {"stores": 3, "staff": 14, "follows": 240, "seed": 7}
DAY = 86_400


class Api:
    """Calls the API over a real socket, as bytes when a test wants to misbehave."""

    def __init__(self, sandbox: local.SandboxHandle, secret: str = "") -> None:
        self.sandbox = sandbox
        self.control = sandbox.control
        self.secret = secret or sandbox.secret
        self.host, self.port = urlsplit(sandbox.base_url).hostname, urlsplit(sandbox.base_url).port
        self._connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        self._token = ""
        self.headers: list[tuple[str, str]] = []
        self.status = 0
        self.raw = b""

    @property
    def token(self) -> str:
        if not self._token:
            answer = self.send("gettoken", corpid=self.sandbox.corp_id, corpsecret=self.secret)
            self._token = answer["access_token"]
        return self._token

    def forget_token(self) -> None:
        self._token = ""

    def header(self, name: str) -> str:
        """The header as it came, names compared without case."""
        return {k.lower(): v for k, v in self.headers}[name.lower()]

    def send(self, path, *, method="GET", body=None, headers=None, **query):
        """One request as given, no token added; the JSON of the answer."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
        url = f"/cgi-bin/{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            self._connection.request(method, url, body, headers or {})
            response = self._connection.getresponse()
            self.raw = response.read()
        except BaseException:
            self._connection.close()
            raise
        self.status, self.headers = response.status, response.getheaders()
        return json.loads(self.raw) if self.raw else None

    def get(self, path, **query):
        return self.send(path, access_token=self.token, **query)

    def post(self, path, body=None, **query):
        body = {} if body is None else body
        return self.send(path, method="POST", body=body, access_token=self.token, **query)

    def ext(self, path, body=None):
        return self.post(f"externalcontact/{path}", body)

    def rows(self, path, name, body, cursor="next_cursor"):
        """All pages of a POST list."""
        found, place = [], ""
        while True:
            answer = self.post(path, {**body, "cursor": place})
            assert answer["errcode"] == 0, answer
            found += answer[name]
            place = answer.get(cursor, "")
            if not place:
                return found

    def together(self, calls):
        """Run (path, body) POSTs at the same moment, each on a connection of its own."""
        answers = [None] * len(calls)
        barrier = threading.Barrier(len(calls))
        others = [Api(self.sandbox, self.secret) for _ in calls]

        def run(at, path, body):
            others[at]._token = self.token
            barrier.wait()
            answers[at] = others[at].post(path, body)

        threads = [threading.Thread(target=run, args=(i, *c)) for i, c in enumerate(calls)]
        self.token  # noqa: B018 - fetched before anybody needs it
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for other in others:
            other.close()
        return answers

    def close(self):
        self._connection.close()

    # -- the chain

    def export(self, table):
        return list(self.control.export(table))

    def follows(self, **wanted):
        rows = [r for r in self.export("follows") if r["listed"]]
        return [r for r in rows if all(r[k] == v for k, v in wanted.items())]

    def app(self, agent_id):
        """Another app's caller."""
        secret = next(
            a["secret"] for a in self.control.status()["apps"] if a["agent_id"] == agent_id
        )
        return Api(self.sandbox, secret)


@pytest.fixture(scope="session")
def _server():
    with local.start(**SHAPE) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_server):
    """A fresh chain with the default rules, no faults, nothing counted."""
    _server.control.reset(**SHAPE)
    _server.control.settings(**Settings().as_json())
    _server.control.reset_calls()
    return _server


@pytest.fixture
def api(sandbox):
    caller = Api(sandbox)
    yield caller
    caller.close()


@pytest.fixture
def sync(api):
    """The contact-sync secret's caller, from a known address."""
    api.control.settings(contact_sync_new_ip=False)
    caller = api.app(0)
    yield caller
    caller.close()
