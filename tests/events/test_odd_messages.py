"""A signed event is kept however it is written, and understood whenever its words can be found."""

from __future__ import annotations

import json

import pytest

from storeops.database.database import Database
from storeops.events.listing import events
from storeops.events.receiver import Receiver
from tests.events.sealing import event as xml
from tests.events.sealing import request, seal, shell, sign

ADD = {
    "Event": "change_external_contact",
    "ChangeType": "add_external_contact",
    "UserID": "clerk_01",
    "ExternalUserID": "wmSandboxCust0001",
}
PLAIN = xml(1767225600, **ADD).decode()
FIELDS = {"ToUserName": "wwsandbox00000001", "CreateTime": 1767225600, "MsgType": "event", **ADD}
LINES = PLAIN.replace("><", ">\n    <")
PADDED = "<xml>\n" + "".join(
    f"  <{name}>\n    <![CDATA[{value}]]>\n  </{name}>\n" for name, value in FIELDS.items()
) + "</xml>"  # fmt: skip
NAMED_GBK = PLAIN.replace("</xml>", "<State>门店</State></xml>")

UNDERSTOOD = {
    "as WeCom writes it": PLAIN.encode(),
    "over several lines": LINES.encode(),
    "values on lines of their own": PADDED.encode(),
    "Windows line ends and blanks before": b"\r\n  " + PADDED.replace("\n", "\r\n").encode(),
    "byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "byte order mark and declaration": b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>'
    + PLAIN.encode(),
    "declaration after a line": b'\n<?xml version="1.0"?>' + PLAIN.encode(),
    "declared as GBK and UTF-8 all the same": ('<?xml version="1.0" encoding="GBK"?>' + NAMED_GBK)
    .encode(),
    "declared as GBK and so it is": ('<?xml version="1.0" encoding="GBK"?>' + NAMED_GBK)
    .encode("gbk"),
    "an encoding nobody knows": ('<?xml version="1.0" encoding="no-such"?>' + PLAIN).encode(),
    "an encoding that is none of text": ('<?xml version="1.0" encoding="hex"?>' + PLAIN).encode(),
    "UTF-16": PLAIN.encode("utf-16"),
    "no CDATA": PLAIN.replace("<![CDATA[", "").replace("]]>", "").encode(),
    "CDATA in pieces": PLAIN.replace("clerk_01", "clerk]]><![CDATA[_01").encode(),
    "comments and instructions": PLAIN.replace("<Event>", "<!-- why --><?no thing?><Event>")
    .encode(),
    "entities": PLAIN.replace("<![CDATA[clerk_01]]>", "clerk&#95;01").encode(),
    "fields nobody knows": PLAIN.replace("</xml>", "<New a='1'><In><x/></In></New><New/></xml>")
    .encode(),
    "a field twice": PLAIN.replace("</xml>", "<UserID>clerk_02</UserID></xml>").encode(),
    "a name cut inside a character": PLAIN.encode().replace(b"</xml>", b"<N>\xe5\xbc</N></xml>"),
    "half a surrogate as bytes": PLAIN.encode().replace(b"</xml>", b"<N>\xed\xa0\xbd</N></xml>"),
    "half a surrogate as a reference": PLAIN.replace("</xml>", "<N>a&#xD83D;b</N></xml>").encode(),
    "a control as a reference": PLAIN.replace("</xml>", "<N>a&#0;&#8;b</N></xml>").encode(),
    "raw controls and no characters": PLAIN.replace("</xml>", "<N>\x00\x1f\ufffe</N></xml>")
    .encode(),
    "JSON": json.dumps(FIELDS).encode(),
    "JSON over several lines with a mark": b"\xef\xbb\xbf" + json.dumps(FIELDS, indent=2).encode(),
    "JSON with half a surrogate": json.dumps({**FIELDS, "State": "\ud83d"}).encode(),
    "JSON with half a surrogate as a name": json.dumps({**FIELDS, "\udc00": [{"a": "\ud83d"}]})
    .encode(),
    "JSON in UTF-16": json.dumps(FIELDS).encode("utf-16"),
    "JSON with null and numbers": json.dumps({**FIELDS, "State": None, "Source": 7}).encode(),
    "milliseconds": PLAIN.replace("1767225600", "1767225600123").encode(),
}  # fmt: skip


@pytest.mark.parametrize("how", UNDERSTOOD)
def test_it_is_understood(receiver: Receiver, inbox_db: Database, how: str) -> None:
    assert receiver.receive(*request(UNDERSTOOD[how])) == b"success"
    (found,) = events(inbox_db)
    assert (found.status, found.reason) == ("received", "")
    assert found.event == "change_external_contact"
    assert (found.userid, found.external_userid) == ("clerk_01", "wmSandboxCust0001")
    assert found.create_time == 1767225600


KEPT = {
    "an id with half a surrogate": json.dumps({**FIELDS, "Event": "new\ud83d"}).encode(),
    "an event that is a list": json.dumps({**FIELDS, "Event": ["a", {"b": 1}]}).encode(),
    "a change nobody knows": PLAIN.replace("add_external_contact", "adopt_contact").encode(),
    "a number for a name": json.dumps({**FIELDS, "ChangeType": 12}).encode(),
    "nothing of it": b"{}",
}


@pytest.mark.parametrize("how", KEPT)
def test_what_the_contract_does_not_know_is_kept(
    receiver: Receiver, inbox_db: Database, how: str
) -> None:
    assert receiver.receive(*request(KEPT[how])) == b"success"
    (found,) = events(inbox_db)
    assert (found.status, found.reason) == ("kept", "unknown")


UNREADABLE = {
    "no end": PLAIN.encode()[:-4],
    "a list": b"[1, 2]",
    "a document type": b'<!DOCTYPE x [<!ENTITY e "v">]>' + PLAIN.encode(),
    "deep JSON": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a number without end": b'{"a": ' + b"9" * 5000 + b"}",
    "nothing": b"",
    "noise": bytes(range(256)),
}


@pytest.mark.parametrize("how", UNREADABLE)
def test_what_cannot_be_read_is_kept_as_it_came(
    receiver: Receiver, inbox_db: Database, how: str
) -> None:
    assert receiver.receive(*request(UNREADABLE[how])) == b"success"
    (found,) = events(inbox_db)
    assert (found.status, found.reason) == ("unreadable", "format")


SEALED = seal(PLAIN.encode())
FOLDED = "\n".join(SEALED[at : at + 76] for at in range(0, len(SEALED), 76))
SHELLS = {
    "over several lines": f"<xml>\n  <Encrypt>\n{SEALED}\n  </Encrypt>\n</xml>".encode(),
    "base64 in lines": f"<xml><Encrypt><![CDATA[{FOLDED}]]></Encrypt></xml>".encode(),
    "byte order mark and declaration": b'\xef\xbb\xbf<?xml version="1.0" encoding="gb2312"?>'
    + f"<xml><Encrypt>{SEALED}</Encrypt></xml>".encode(),
    "a field nobody knows": f"<xml><Encrypt>{SEALED}</Encrypt><N>\x0b&#1;</N></xml>".encode(),
    "JSON": json.dumps({"tousername": "x", "encrypt": SEALED, "n": "\ud83d"}).encode(),
    "JSON with a mark": b"\xef\xbb\xbf" + json.dumps({"encrypt": f" {SEALED}\n"}).encode(),
}


@pytest.mark.parametrize("how", SHELLS)
def test_the_shell_may_be_written_in_many_ways(
    receiver: Receiver, inbox_db: Database, how: str
) -> None:
    query, _body = shell(SEALED, "1", "2")
    assert receiver.receive(query, SHELLS[how]) == b"success"
    assert events(inbox_db)[0].status == "received"


def test_a_signed_ciphertext_that_is_none_is_kept(receiver: Receiver, inbox_db: Database) -> None:
    for number, sealed in enumerate(("no base64 é", "AAAA", "\ud83d")):
        sealed = "".join(sealed.split())
        query = {"timestamp": "1", "nonce": str(number)}
        try:
            query["msg_signature"] = sign("1", str(number), sealed)
        except UnicodeEncodeError:  # nobody can sign it
            continue
        body = json.dumps({"encrypt": sealed}).encode()
        assert receiver.receive(query, body) == b"success"
    assert {each.status for each in events(inbox_db)} == {"unreadable"}
