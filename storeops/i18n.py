"""Words in the user's language: English ids in the code, a Chinese catalogue beside it.

The language is chosen once per process, before Typer and Textual evaluate their help texts.
"""

from __future__ import annotations

import gettext as _gettext
import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

_LOCALE_DIR = Path(__file__).parent / "locale"
_catalogue: _gettext.NullTranslations | None = None
_language = ""
_more: list[tuple[Path, str]] = []  # catalogues of domains


def pick_language(configured: str = "") -> str:
    """The language to speak: STOREOPS_LANG, then the configuration, then the locale.

    Args:
        configured: the `language` setting of config.toml, "" when unset.

    Returns:
        "en" or "zh_CN"; anything unknown is English.
    """
    named = [os.environ.get("STOREOPS_LANG", ""), configured]
    named += [os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    wanted = next((each for each in named if each), "en")
    return "zh_CN" if wanted.lower().startswith("zh") else "en"


def use(language: str) -> None:
    """Speak `language` ("en" or "zh_CN") from now on; texts already evaluated keep theirs."""
    global _catalogue, _language
    _language = language
    _catalogue = _gettext.translation(
        "storeops", localedir=_LOCALE_DIR, languages=[language], fallback=True
    )
    for folder, name in _more:
        _add(folder, name)


def add_catalogue(folder: Path, name: str) -> None:
    """Take the texts of `folder`/<language>/LC_MESSAGES/`name`.mo too, where storeops has none."""
    _more.append((folder, name))
    if _catalogue is not None:
        _add(folder, name)


def _add(folder: Path, name: str) -> None:
    assert _catalogue is not None
    _catalogue.add_fallback(
        _gettext.translation(name, localedir=folder, languages=[_language], fallback=True)
    )


def language() -> str:
    """The language in use, "en" or "zh_CN"."""
    if _catalogue is None:
        use(pick_language())
    return _language


def _(message: str) -> str:
    """`message` in the user's language; placeholders are filled afterwards with str.format."""
    if _catalogue is None:
        use(pick_language())
    assert _catalogue is not None
    if not message:  # "" is the head of a catalogue
        return ""
    text = _catalogue.gettext(message)
    return _CloseText(text) if _CLOSE.search(text) else text


_HAN = r"[\u3400-\u9fff]"
_CLOSE = re.compile(_HAN + r"\{|\}" + _HAN)
_SEAM = re.compile(rf"[A-Za-z0-9]{_HAN}|{_HAN}[A-Za-z0-9]")


class _CloseText(str):
    """A Chinese text with a placeholder close to a character: a blank parts what is filled in from
    it where one of them is Latin, as everywhere in our texts; Chinese names stand close."""

    __slots__ = ()

    def format(self, *args: object, **values: object) -> str:
        """`str.format`, with these blanks."""
        from string import Formatter

        pieces = []
        for literal, field, spec, conversion in Formatter().parse(self):
            pieces.append(literal)
            if field is not None:
                how = f"!{conversion}" if conversion else ""
                pieces.append(f"{{{field}{how}:{spec}}}".format(*args, **values))
        return self.joined(pieces)

    def joined(self, pieces: Iterable[str]) -> str:
        """What the text consists of, one after the other, with these blanks."""
        whole = ""
        for each in filter(None, pieces):
            whole += " " + each if _SEAM.match(whole[-1:] + each[0]) else each
        return whole


def labelled(name: object, text: object) -> str:
    """`name: text` with the language's own colon; for what one name says of another."""
    return _("{name}: {text}").format(name=name, text=text)


def aside(text: object, more: object) -> str:
    """`text (more)` with the language's own brackets."""
    return _("{text} ({more})").format(text=text, more=more)


def sentences(*texts: str) -> str:
    """Sentences one after the other; empty ones are left out, and Chinese ones stand close."""
    whole = ""
    for each in filter(None, texts):
        whole = _("{before} {next}").format(before=whole, next=each) if whole else each
    return whole


def own_word(name: str, words: Iterable[str]) -> str:
    """Which of the words that mean `name` to show: the first Chinese one to who reads Chinese."""
    if language() != "zh_CN":
        return name
    return next((each for each in words if not each.isascii()), name)


def ngettext(singular: str, plural: str, count: int) -> str:
    """The right one of two forms for `count`, in the user's language; the second for what a damaged
    table holds instead of a number."""
    if _catalogue is None:
        use(pick_language())
    assert _catalogue is not None
    text = _catalogue.ngettext(singular, plural, count if isinstance(count, int) else 2)
    return _CloseText(text) if _CLOSE.search(text) else text


def plural(one: str, many: str, count: int, **values: object) -> str:
    """The form for `count`, filled: {count} with its thousands, and `values`; two counted
    things in a sentence are pieces of it, so that each has its singular."""
    shown = f"{count:,}" if isinstance(count, int) else count  # a damaged table may hold a word
    return ngettext(one, many, count).format(count=shown, **values)


def N_(message: str) -> str:
    """Mark a text for translation that is translated later, when it is shown."""
    return message


_KEPT = '{"say": '
_PLACE = re.compile(r"\{(\w+)\}")


def kept(message: str, **values: Any) -> str:
    """A text to be stored: `said` words it for whoever reads it, in the language of that moment.

    Args:
        message: an English id, marked with `N_`.
        values: for its placeholders, JSON types; texts may be kept ones, a list is joined.
    """
    import json  # half a millisecond that a page of help does not need

    return json.dumps({"say": message, "values": values}, ensure_ascii=False)


def kept_plural(one: str, many: str, count: int, **values: Any) -> str:
    """`kept` of a sentence that counts something: ids of both forms, {count} is filled."""
    import json

    about = {"say": one, "many": many, "values": {"count": count, **values}}
    return json.dumps(about, ensure_ascii=False)


def said(text: str) -> str:
    """What `kept` made, in the user's language; any other text as it is."""
    if not text.startswith(_KEPT):
        return text
    import json

    try:
        found = json.loads(text)
        values = {key: _worded(value) for key, value in found["values"].items()}
        message = _(found["say"])
        if "many" in found:
            message = ngettext(found["say"], found["many"], values["count"])
        # not str.format: a kept text may have come from another computer
        if isinstance(values.get("count"), int):  # of other numbers many are codes
            values["count"] = f"{values['count']:,}"
        pieces = _PLACE.split(message)
        pieces[1::2] = [str(values[each]) for each in pieces[1::2]]
        return message.joined(pieces) if isinstance(message, _CloseText) else "".join(pieces)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return text  # of another version, or made to be none


def reworded(text: str, change: Callable[[str], str]) -> str:
    """A text with `change` made to what was filled in where it was `kept`, else to all of it."""
    import json

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(each) for each in value]
        return reworded(value, change) if isinstance(value, str) else value

    if text.startswith(_KEPT):
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            found = json.loads(text)
            found["values"] = {key: changed(each) for key, each in found["values"].items()}
            return json.dumps(found, ensure_ascii=False)
    return change(text)


def _worded(value: Any) -> Any:
    if isinstance(value, list):
        several = any(isinstance(each, str) and each.startswith(_KEPT) for each in value)
        return (_("; ") if several else _(", ")).join(str(_worded(each)) for each in value)
    return said(value) if isinstance(value, str) else value
