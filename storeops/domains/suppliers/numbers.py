"""The form of licence numbers: a wrong length or alphabet is an error, a check digit a warning.

About a quarter of the numbers on real labels and in real site footers fail their check digit
(typing errors, early issues), so that it asks for a look and refuses nothing.
"""

from __future__ import annotations

import re

from storeops.i18n import _

OK, WARNING, ERROR = "ok", "warning", "error"
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}\Z")
_ORGANISATION = re.compile(r"[0-9A-Z]{8}[0-9X]\Z")
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SC = re.compile(r"SC[12][0-9]{13}\Z")
_JY = re.compile(r"JY[123][0-9]{13}\Z")
_YB = re.compile(r"YB[0-9]{14}\Z")
_LEGACY = re.compile(r"(?:QS[0-9]{12}|SP[0-9A-Z]{10,20})\Z")


def plain_number(text: str) -> str:
    """A number without blanks and dashes, in capitals."""
    from storeops.tables.typed import word

    return re.sub(r"[\s\-—－]+", "", word(text)).upper()


def has_ended(kind: str, text: str) -> bool:
    """Whether a number is of an older kind (QS, SP), none of which is valid any more."""
    return kind in ("sc", "jy") and _LEGACY.match(plain_number(text)) is not None


def form(kind: str, text: str) -> tuple[str, str]:
    """(ok, warning or error; why) of a number.

    Args:
        kind: uscc, sc, jy, yb or free.
        text: the number as written.
    """
    number = plain_number(text)
    if not number:
        return ERROR, _("the number is missing")
    if kind == "free":
        return OK, ""
    if has_ended(kind, number):
        return WARNING, _("{number} is of an older kind that has expired").format(number=number)
    if kind == "uscc":
        return _uscc(number)
    if kind == "yb":
        if not _YB.match(number):
            return ERROR, _("{number} is not YB and 14 digits").format(number=number)
        return OK, ""
    pattern = _SC if kind == "sc" else _JY
    if not pattern.match(number):
        return ERROR, _("{number} is not {prefix} and 14 digits").format(
            number=number, prefix=kind.upper()
        )
    from stdnum.iso7064 import mod_11_10

    if not mod_11_10.is_valid(number[2:]):
        return WARNING, _look(number)
    return OK, ""


def _look(number: str) -> str:
    return _("the check digit of {number} does not fit; please look at the paper").format(
        number=number
    )


def _uscc(number: str) -> tuple[str, str]:
    if len(number) != 18:
        return ERROR, _("{number} has {count} characters instead of 18").format(
            number=number, count=len(number)
        )
    if not _USCC.match(number):
        return ERROR, _("{number} has characters that such codes do not have").format(number=number)
    total = sum(_ALPHABET.index(each) * pow(3, at, 31) for at, each in enumerate(number[:17]))
    wrong = _ALPHABET[(31 - total % 31) % 31] != number[17]
    if wrong or not _organisation(number[8:17]):
        return WARNING, _look(number)
    return OK, ""


def _organisation(code: str) -> bool:
    """Whether the organisation code inside (GB 11714) has its own check digit."""
    if not _ORGANISATION.match(code):
        return False
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    factors = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(letters.index(each) * factor for each, factor in zip(code, factors, strict=False))
    rest = 11 - total % 11
    return code[8] == ("X" if rest == 10 else "0" if rest == 11 else str(rest))
