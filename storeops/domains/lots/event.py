"""One event, checked and in our own terms: what, when, where, why, and by which papers."""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from storeops.domains.lots import gs1, vocabulary
from storeops.domains.lots.gs1 import BadIdError, Thing
from storeops.i18n import _

AHEAD_S = 86_400.0  # so far a partner's clock may be ahead
MOST_THINGS = 5_000  # of one event
MOST_SHAPES = 1_000  # that are remembered
_KINDS = {
    "epcList": "what", "quantityList": "what", "childEPCs": "child", "childQuantityList": "child",
    "inputEPCList": "in", "inputQuantityList": "in", "outputEPCList": "out",
    "outputQuantityList": "out",
}  # fmt: skip
_NOT_CONTENT = frozenset({"eventID", "recordTime", "errorDeclaration", "@context"})
_SPELT = frozenset({*_NOT_CONTENT, *_KINDS, "parentID", "eventTime"})  # else where, or nowhere
_WORDS = frozenset({"bizStep", "disposition"})
_PLACES = frozenset({"bizLocation", "readPoint"})
_ENDS = frozenset({"sourceList", "destinationList"})
_Line = tuple[str, Thing, float | None, str]  # role, thing, quantity or None, unit
# words that most events hold, so that packing one alone is worth it
_DICTIONARY = (
    b'"bizLocation":{"id":"https://id.gs1.org/414/"},"bizStep":"retail_selling","receiving",'
    b'"shipping","stocking","bizTransactionList":[{"bizTransaction":"urn:","type":"desadv"}],'
    b'"destinationList":[{"destination":"https://id.gs1.org/414/","type":"possessing_party"}],'
    b'"disposition":"sellable_accessible","in_transit","retail_sold","eventTime":"2026-0'
    b'T00:00:00+08:00","eventTimeZoneOffset":"+08:00","quantityList":[{"epcClass":'
    b'"https://id.gs1.org/01/0690","quantity":1}],"readPoint":{"id":"https://id.gs1.org/414/"},'
    b'"action":"OBSERVE","ADD","type":"ObjectEvent"'
)


_compact = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


class BadEventError(ValueError):
    """The event cannot be taken; its text says why, one clause in the user's language."""


@dataclass(frozen=True, slots=True)
class LotEvent:
    """An event as the tables hold it.

    Attributes:
        digest: of what it says, however it is spelt, 32 bytes; b"" of one that was only checked
            and has no id of its own.
        event_id: its own, else made of the digest.
        type, action, step, disposition: EPCIS words; "" where none.
        at: Unix seconds.
        place, source, destination: GLN or id; "" where none.
        papers: (type, number).
        lines: (role, thing, quantity or None, unit).
        declared: (Unix seconds, reason, corrective ids) of an error declaration, else None.
        body: packed JSON; b"" of one that was only checked.
    """

    digest: bytes
    event_id: str
    type: str
    action: str
    step: str
    disposition: str
    at: float
    place: str
    source: str
    destination: str
    papers: tuple[tuple[str, str], ...]
    lines: tuple[_Line, ...]
    declared: tuple[float, str, tuple[str, ...]] | None
    body: bytes


def pack(event: Any) -> bytes:
    """An event as compact JSON, compressed."""
    made = zlib.compressobj(6, zdict=_DICTIONARY)
    return made.compress(_compact(event).encode("utf-8", "surrogatepass")) + made.flush()


def unpack(body: bytes) -> Any:
    """The event again."""
    text = zlib.decompressobj(zdict=_DICTIONARY).decompress(body)
    return json.loads(text.decode("utf-8", "surrogatepass"))


@cache
def _validator() -> Any:
    import jsonschema  # 60 ms, only while events are read

    return jsonschema.Draft202012Validator(vocabulary.EVENT)


_seen: set[Any] = set()  # shapes that were checked


def _shape(value: Any) -> Any:
    """The structure of an event without its values: one schema check does for all of a shape."""
    if isinstance(value, dict):
        return tuple([(key, _shape(each)) for key, each in value.items()])
    if isinstance(value, list):
        return (list, *dict.fromkeys(map(_shape, value)))
    return type(value)


def _check_shape(event: dict[str, Any]) -> None:
    shape = (event.get("type"), event.get("action"), event.get("eventTimeZoneOffset"),
             _shape(event))  # fmt: skip
    if shape in _seen:
        return
    if "eventType" in event and "type" not in event:
        raise BadEventError(_("eventType is EPCIS 1.2; EPCIS 2.0 writes type"))
    errors = sorted(_validator().iter_errors(event), key=lambda each: len(each.absolute_path))
    if errors:
        raise BadEventError(_plainly(errors[0]))
    if len(_seen) >= MOST_SHAPES:
        _seen.clear()
    _seen.add(shape)


def _plainly(error: Any) -> str:
    where = ".".join(str(each) for each in error.absolute_path)
    if error.validator == "required":
        missing = [each for each in error.validator_value if each not in error.instance]
        names = [where, *missing] if where else missing
        return _("{names} is missing").format(names=_(", ").join(names))
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        extra = [each for each in error.instance if each not in known and ":" not in each]
        return _("{names} is no field of an EPCIS 2.0 event").format(
            names=_(", ").join(f"{where}.{each}" if where else each for each in extra)[:80]
        )
    if error.validator == "anyOf":
        return _("an ObjectEvent needs epcList or quantityList")
    if error.validator == "not":
        return _("a TransformationEvent has no action")
    return _("{field} is not as EPCIS 2.0 writes it: {value}").format(
        field=where or "type", value=json.dumps(error.instance, ensure_ascii=False)[:60]
    )


@lru_cache(maxsize=20_000)
def moment(text: str) -> float:
    """Unix seconds of a time with its offset.

    Raises:
        BadEventError: it is no such time.
    """
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError
        return found.timestamp()
    except (ValueError, OverflowError):
        raise BadEventError(
            _("“{value}” is no time with an offset, such as 2026-05-01T08:00:00+08:00").format(
                value=text[:40]
            )
        ) from None


@lru_cache(maxsize=1_000)
def _word(text: str, kind: str) -> str:
    """A word of the vocabulary, whether written bare or as a CBV URI."""
    known = {"bizStep": vocabulary.STEPS, "disposition": vocabulary.DISPOSITIONS,
             "bizTransaction": vocabulary.PAPERS}[kind]  # fmt: skip
    bare = text.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    bare = bare.split("-", 1)[1] if bare.startswith(("BizStep-", "Disp-", "BTT-")) else bare
    if bare not in known:
        from storeops.spelling import nearest

        near = nearest(bare, known, 1)
        raise BadEventError(
            _("“{value}” is no {kind} of the standard").format(value=text[:60], kind=kind)
            + (_("; did you mean {name}?").format(name=near[0]) if near else "")
        )
    return bare


def _lines(event: dict[str, Any]) -> list[_Line]:
    found: dict[tuple[str, Thing, str], float | None] = {}
    for key, role in _KINDS.items():
        for each in event.get(key) or ():
            if isinstance(each, str):
                which, qty, unit = gs1.thing(each), 1.0 if key != "epcList" else None, ""
                if which[0]:
                    qty = 1.0  # one serial number is one piece
            else:
                which = gs1.thing(each["epcClass"])
                qty, unit = each.get("quantity"), each.get("uom", "")
                if unit and unit not in vocabulary.UNITS:
                    raise BadEventError(
                        _("“{value}” is no unit (UN/ECE: {names})").format(
                            value=unit[:20], names=_(", ").join(sorted(vocabulary.UNITS))
                        )
                    )
                unit = "" if unit in vocabulary.PIECES else unit
                if qty is not None and not (math.isfinite(qty) and 0 <= qty < 1e12):
                    raise BadEventError(
                        _("the quantity {value} is no number of pieces").format(value=qty)
                    )
                qty = None if qty is None else float(qty)
            before = found.get((role, which, unit))
            found[role, which, unit] = qty if before is None else before + (qty or 0.0)
    if parent := event.get("parentID"):
        found["parent", gs1.thing(parent), ""] = None
    if len(found) > MOST_THINGS:
        raise BadEventError(_("it names more than {limit} lots").format(limit=MOST_THINGS))
    return [(role, which, qty, unit) for (role, which, unit), qty in found.items()]


def _end(event: dict[str, Any], name: str) -> str:
    """The place of a sourceList or destinationList, the location rather than the owner."""
    entries = event.get(f"{name}List") or ()
    rank = {"location": 0, "possessing_party": 1, "owning_party": 2}
    best: dict[str, Any] = min(
        entries, key=lambda each: rank.get(str(each.get("type")).rsplit("-", 1)[-1], 3), default={}
    )
    where = best.get(name, "")
    return gs1.place(where if isinstance(where, str) else str(where.get("id", "")))


def _meaning(event: dict[str, Any], at: float, lines: Iterable[_Line]) -> list[Any]:
    """What an event says, the same for every spelling that EPCIS has for it.

    Times in other offsets, 1 and 1.0, URNs and Digital Links, bare words and URIs, lists in
    another order say the same.
    """
    found: list[Any] = [at, sorted(lines, key=_unique)]
    for key in sorted(event.keys() - _SPELT):
        value = event[key]
        if key in _WORDS:
            value = _word(value, key) if value else ""
        elif key in _PLACES:
            value = [gs1.place(value["id"]), value if len(value) > 1 else ""]
        elif key == "bizTransactionList":
            value = sorted(
                [_word(each["type"], key[:-4]) if each.get("type") else "", each[key[:-4]]]
                for each in value
            )
        elif key in _ENDS:
            value = [
                [str(each.get("type")).rsplit("-", 1)[-1],
                 gs1.place(each[key[:-4]]) if isinstance(each.get(key[:-4]), str) else each]
                for each in value
            ]  # fmt: skip
            value = value if len(value) == 1 else sorted(value, key=_compact)
        elif not isinstance(value, str):
            value = _ordered(value)
        found.append((key, value))
    return found


def _unique(line: _Line) -> tuple[Any, ...]:
    return line[0], line[1], line[3]


def _ordered(value: Any) -> Any:
    """The same with lists in one order, and whole numbers whole."""
    if isinstance(value, dict):
        return {key: _ordered(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted(map(_ordered, value), key=_compact)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read(event: Any, now: float, *, keep: bool = True) -> LotEvent:
    """Check one event and take it apart.

    Args:
        event: as JSON gave it.
        now: Unix seconds; nothing may be of the future.
        keep: False only to check it, in half of the time.

    Raises:
        BadEventError: it cannot be taken.
    """
    if not isinstance(event, dict):
        raise BadEventError(_("it is no event but {value}").format(value=str(event)[:40]))
    _check_shape(event)
    try:
        at = moment(event["eventTime"])
        if at > now + AHEAD_S:
            raise BadEventError(
                _("its time {value} is in the future").format(value=event["eventTime"][:40])
            )
        place = gs1.place((event.get("bizLocation") or event.get("readPoint") or {"id": ""})["id"])
        papers = tuple(
            (_word(each["type"], "bizTransaction") if each.get("type") else "",
             each["bizTransaction"].rsplit(":", 1)[-1])
            for each in event.get("bizTransactionList") or ()
        )  # fmt: skip
        lines = tuple(_lines(event))
        declared = None
        if error := event.get("errorDeclaration"):
            reason = str(error.get("reason", "")).rsplit("-", 1)[-1]
            if reason and reason not in vocabulary.REASONS:
                raise BadEventError(
                    _("“{value}” is no reason of an error declaration").format(value=reason[:40])
                )
            declared = (moment(error["declarationTime"]), reason,
                        tuple(error.get("correctiveEventIDs") or ()))  # fmt: skip
        meaning = _meaning(event, at, lines)  # finds faults too: also of what is only checked
        digest = b""
        if keep or event.get("eventID"):
            said = _compact(meaning).encode("utf-8", "surrogatepass")
            digest = hashlib.sha256(said).digest()
        return LotEvent(
            digest, event.get("eventID") or f"ni:///sha-256;{digest.hex()}?ver=storeops1",
            event["type"], event.get("action", ""),
            _word(event["bizStep"], "bizStep") if event.get("bizStep") else "",
            _word(event["disposition"], "disposition") if event.get("disposition") else "",
            at, place, _end(event, "source"), _end(event, "destination"), papers, lines, declared,
            pack(event) if keep else b"",
        )  # fmt: skip
    except BadIdError as error:
        raise BadEventError(str(error)) from None
