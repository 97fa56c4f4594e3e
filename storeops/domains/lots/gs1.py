"""GS1 identifiers: Digital Links, EPC URNs, element strings and plain numbers, one normal form.

A lot is (GTIN-14, lot), a pallet or crate ("", SSCC). Check digits are checked here: neither the
EPCIS schema nor a parser of element strings refuses a wrong one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote

from storeops.errors import UsageError
from storeops.i18n import _

Thing = tuple[str, str]  # (GTIN-14 or "", lot, serial or SSCC)

_LINK = re.compile(r"https?://[^/?#]+/(?:[^?#]*?/)??(01|00|414|417)/([^?#]*)", re.I)
_URN = re.compile(r"urn:epc:(?:id|class|idpat):(\w+):([^\s]+)")
_LOT = re.compile(r"[!-~]{1,20}\Z")
_DIGITS = re.compile(r"[0-9]+\Z")
_OWN_PLACE = "urn:storeops:place:"


class BadIdError(ValueError):
    """No identifier that is known; its text says why, one clause in the user's language."""


def check_digit(digits: str) -> str:
    """The GS1 check digit for what stands before it (weights 3 and 1 from the right)."""
    total = sum(
        (ord(each) - 48) * (3 if at % 2 == 0 else 1) for at, each in enumerate(reversed(digits))
    )
    return str(-total % 10)


def _number(text: str, length: int, name: str) -> str:
    if not _DIGITS.match(text) or len(text) != length:
        raise BadIdError(_("{value} is no {name}").format(value=text[:40], name=name))
    if check_digit(text[:-1]) != text[-1]:
        raise BadIdError(
            _("{name} {value} has a wrong check digit; it would be {digit}").format(
                name=name, value=text, digit=check_digit(text[:-1])
            )
        )
    return text


@lru_cache(maxsize=20_000)
def gtin(text: str) -> str:
    """A GTIN of 8, 12, 13 or 14 digits as 14.

    Raises:
        BadIdError: it is none, or its check digit is wrong.
    """
    if not _DIGITS.match(text) or len(text) not in (8, 12, 13, 14):
        raise BadIdError(_("{value} is no {name}").format(value=text[:40], name="GTIN"))
    return _number(text.zfill(14), 14, "GTIN")


def _lot(text: str) -> str:
    if not _LOT.match(text):
        raise BadIdError(
            _("“{value}” is no lot number: 1 to 20 letters, digits and signs").format(
                value=text[:40]
            )
        )
    return text


@lru_cache(maxsize=20_000)
def thing(text: str) -> Thing:
    """What an id of an EPCIS event means: a lot, a serial number, an article, a pallet.

    Args:
        text: a Digital Link or an EPC URN.

    Raises:
        BadIdError: it means none of them.
    """
    if found := _LINK.match(text):
        key, rest = found[1], found[2].split("/")
        if key == "00":
            return "", _number(rest[0], 18, "SSCC")
        if key == "01":
            item = gtin(rest[0])
            parts = dict(zip(rest[1::2], map(unquote, rest[2::2]), strict=False))
            if "10" in parts:
                return item, _lot(parts["10"])
            return item, _lot(parts["21"]) if "21" in parts else ""
    if found := _URN.match(text):
        kind, parts_ = found[1], found[2].split(".")
        if kind == "lgtin" and len(parts_) >= 3:
            return _from_urn(parts_[0], parts_[1]), _lot(unquote(".".join(parts_[2:])))
        if kind == "sgtin" and len(parts_) >= 3:
            serial = unquote(".".join(parts_[2:]))
            return _from_urn(parts_[0], parts_[1]), "" if serial == "*" else _lot(serial)
        if kind == "sscc" and len(parts_) == 2 and len("".join(parts_)) == 17 and parts_[1]:
            body = parts_[1][0] + parts_[0] + parts_[1][1:]
            if _DIGITS.match(body):
                return "", body + check_digit(body)
    raise BadIdError(_("“{value}” is no lot, article or pallet of GS1").format(value=text[:80]))


def _from_urn(prefix: str, reference: str) -> str:
    body = reference[:1] + prefix + reference[1:]
    if len(body) != 13 or not _DIGITS.match(body):
        raise BadIdError(
            _("“{value}” is no lot, article or pallet of GS1").format(value=f"{prefix}.{reference}")
        )
    return body + check_digit(body)


@lru_cache(maxsize=20_000)
def place(text: str) -> str:
    """Where an EPCIS event happened: the GLN where the id holds one, with its extension.

    Args:
        text: a Digital Link (414, 417), an SGLN URN, a GLN, or an id of one's own.

    Raises:
        BadIdError: a GLN with a wrong check digit.
    """
    if (found := _LINK.match(text)) and found[1] in ("414", "417"):
        rest = found[2].split("/")
        own = _number(rest[0], 13, "GLN")
        extra = dict(zip(rest[1::2], rest[2::2], strict=False)).get("254", "")
        return f"{own}.{unquote(extra)}" if extra else own
    if found := re.match(r"urn:epc:id:(?:sgln|pgln):([0-9]+)\.([0-9]*)(?:\.(.+))?\Z", text):
        body = found[1] + found[2]
        if len(body) == 12:
            own = body + check_digit(body)
            return f"{own}.{unquote(found[3])}" if found[3] and found[3] != "0" else own
    if _DIGITS.match(text) and len(text) == 13:
        return _number(text, 13, "GLN")
    return unquote(text.removeprefix(_OWN_PLACE)) if text.startswith(_OWN_PLACE) else text


def uri(item: str, lot: str) -> str:
    """The Digital Link of a lot, an article or a pallet."""
    if not item:
        return f"https://id.gs1.org/00/{lot}"
    return f"https://id.gs1.org/01/{item}" + (f"/10/{quote(lot, safe='')}" if lot else "")


def place_uri(text: str) -> str:
    """An id of a place as EPCIS takes it: a Digital Link for a GLN, else a URI of one's own."""
    if _DIGITS.match(text) and len(text) == 13:
        return f"https://id.gs1.org/414/{text}"
    return text if ":" in text else f"{_OWN_PLACE}{quote(text, safe='')}"


def label(item: str, lot: str) -> str:
    """How a lot is written on the command line: GTIN/lot, or the SSCC."""
    return f"{item}/{lot}" if item else lot


def scanned(text: str) -> dict[str, str]:
    """What a scanner or a person gives: an element string, a Digital Link, GTIN/lot, a GTIN.

    Returns:
        item, lot, sscc, qty, made (date or moment), expires: as far as it says.

    Raises:
        BadIdError: nothing of it is known.
    """
    text = text.strip()
    if text.lower().startswith(("http://", "https://", "urn:")):
        item, lot = thing(text)
        return {"item": item, "lot": lot} if item else {"sscc": lot}
    if "/" in text:
        item, _slash, lot = text.partition("/")
        return {"item": gtin(item), "lot": _lot(lot)}
    if _DIGITS.match(text) and len(text) in (8, 12, 13, 14):
        return {"item": gtin(text), "lot": ""}
    if _DIGITS.match(text) and len(text) == 18:
        return {"sscc": _number(text, 18, "SSCC")}
    return _element_string(text)


def _element_string(text: str) -> dict[str, str]:
    from biip import ParseError
    from biip.gs1_messages import GS1Message

    try:
        if text.startswith("("):
            message = GS1Message.parse_hri(text)
        else:
            message = GS1Message.parse(re.sub(r"\A\](?:C1|d2|Q3|e0)", "", text))
    except (ParseError, ValueError):
        raise BadIdError(
            _("“{value}” is no GTIN/lot, Digital Link or GS1 element string").format(
                value=text[:80]
            )
        ) from None
    found: dict[str, str] = {}
    for each in message.element_strings:
        ai = each.ai.ai
        if ai in ("01", "02"):
            found["item"] = gtin(each.value)  # a wrong check digit is no error to the parser
        elif ai == "00":
            found["sscc"] = _number(each.value, 18, "SSCC")
        elif ai == "10":
            found["lot"] = _lot(each.value)
        elif ai in ("11", "13") and each.date is not None:
            found.setdefault("made", each.date.isoformat())
        elif ai == "8008" and each.datetime is not None:
            found["made"] = each.datetime.isoformat()
        elif ai in ("15", "16", "17") and each.date is not None:
            found.setdefault("expires", each.date.isoformat())
        elif ai in ("30", "37"):
            found["qty"] = str(int(each.value))
    return found


def asked(text: str) -> Thing:
    """The lot or pallet that a command names.

    Raises:
        UsageError: it names none.
    """
    try:
        found = scanned(text)
    except BadIdError as error:
        raise UsageError(
            _("{reason}.").format(reason=str(error)),
            hint=_("Write it as GTIN/lot, a Digital Link, an urn:epc:class:lgtin:… or an SSCC."),
        ) from None
    if "sscc" in found:
        return "", found["sscc"]
    if not found.get("item") or not found.get("lot"):
        raise UsageError(
            _("“{value}” names no lot.").format(value=text[:80]),
            hint=_("Write it as GTIN/lot, a Digital Link, an urn:epc:class:lgtin:… or an SSCC."),
        )
    return found["item"], found["lot"]
