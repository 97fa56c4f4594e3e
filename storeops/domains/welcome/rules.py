"""Rules of greetings: files in rules/welcome/*.toml; of those that fit a customer one counts.

```toml
name = "shenzhen"                       # the file's name when absent
text = "您好，我是{store}的{member}。"   # {member} {store} {state}
state = ["store_sz_*"]                  # of the contact way; * and ? stand for letters
way = ["店门口"]                         # names or config_ids of contact ways, likewise
stores = ["SZ012"]                      # codes or names of shops, or department ids
members = ["u_lin"]                     # userids
priority = 10                           # the highest counts, then the narrowest; 0 when absent
enabled = true
[image]
file = "welcome.png"                    # beside this file; or url = "https://wework.qpic.cn/…"
[link]
title = "Menu"
url = "https://s.example/menu"
picture = "https://s.example/menu.png"
about = "What is new today."
[miniprogram]
title = "Shop"
appid = "wx…"                           # one that is bound to the corp
page = "pages/index.html"
picture = "shop.png"                    # beside this file
```
A file may hold several rules as `[[rule]]` tables.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storeops.domains.welcome.media import FILE
from storeops.errors import StoreOpsError
from storeops.i18n import _
from storeops.spelling import like
from storeops.toml import values
from storeops.toml.files import RuleTable, read_rules, repeated, rules_folder, toml_files
from storeops.toml.values import SettingProblem
from storeops.wecom import welcome as wire
from storeops.wecom.messages import is_picture

PICTURE_BYTES = 10_000_000  # of media/upload (doc 90253)
_KEYS = {"image": "file", "miniprogram": "picture"}  # what names the file in a rule
PLACEHOLDERS = ("member", "store", "state")
_PLACEHOLDER = re.compile(r"\{([^{}\s]*)\}")


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who is to be greeted, and in whose name.

    Attributes:
        userid: the member.
        member: the member's name, "" while unknown.
        store_id: department id of the member's shop, 0 while unknown.
        store: the shop's name, "" while unknown.
        stores: all that names the shop: code, name, department id.
        state: of the contact way, "" when there is none.
        ways: names and config_ids, casefolded, of the contact ways of that state.
    """

    userid: str
    member: str = ""
    store_id: int = 0
    store: str = ""
    stores: frozenset[str] = frozenset()
    state: str = ""
    ways: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WelcomeRule:
    """One rule.

    Attributes:
        name: unique among the rules.
        text: with placeholders; "" for attachments only.
        state: patterns of `state`; empty for all, like the next three.
        way: patterns of names or config_ids of contact ways.
        stores: codes, names or department ids of shops.
        members: userids.
        priority: the highest that fits counts.
        enabled: it counts.
        attachments: as WeCom takes them, but for pictures that are files still (`media.FILE`).
        file: where it stands.
    """

    name: str
    text: str
    state: tuple[str, ...] = ()
    way: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    priority: int = 0
    enabled: bool = True
    attachments: tuple[Mapping[str, Any], ...] = ()
    file: str = ""

    @property
    def narrowness(self) -> int:
        """Of equal priority the narrower one counts: a member before a code before a shop."""
        by_code = bool(self.way) or bool(self.state)
        return 4 * bool(self.members) + 2 * by_code + bool(self.stores)

    def fits(self, who: Newcomer) -> bool:
        """Whether it is about this customer."""
        return (
            self.enabled
            and (not self.state or any(like(who.state, each) for each in self.state))
            and (not self.way or any(_named(who.ways, each.casefold()) for each in self.way))
            and (not self.members or who.userid.casefold() in map(str.casefold, self.members))
            and (not self.stores or any(each.casefold() in who.stores for each in self.stores))
        )

    def words(self, who: Newcomer) -> str:
        """The text for one customer; what is not known is left out."""
        filled = {"member": who.member, "store": who.store, "state": who.state}
        text = _PLACEHOLDER.sub(lambda found: filled[found[1]], self.text)
        return text.encode("utf-8", "replace")[: wire.TEXT_BYTES].decode("utf-8", "ignore")

    def as_dict(self) -> dict[str, Any]:
        """The item of `welcome rule --json`."""
        return {
            "name": self.name, "enabled": self.enabled, "priority": self.priority,
            "state": list(self.state), "way": list(self.way), "stores": list(self.stores),
            "members": list(self.members),
            "text": self.text, "attachments": [each["msgtype"] for each in self.attachments],
            "file": self.file,
        }  # fmt: skip


def _named(ways: frozenset[str], pattern: str) -> bool:
    return any(like(each, pattern) for each in ways)


def chosen(rules: Sequence[WelcomeRule], who: Newcomer) -> WelcomeRule | None:
    """The rule that counts: by priority, narrowness, name; None when none fits."""
    fitting = [each for each in rules if each.fits(who)]
    return min(
        fitting, key=lambda each: (-each.priority, -each.narrowness, each.name), default=None
    )


# -- files ----------------------------------------------------------------------------------------


def folder() -> Path:
    """Where its rules lie."""
    return rules_folder("welcome")


def rules(files: Sequence[Path] | None = None) -> list[WelcomeRule]:
    """All rules, checked, in the order of their files.

    Args:
        files: of rules; None for those of `folder()`.

    Raises:
        NotFoundError, UsageError: as `read_rules` does.
    """
    return read_rules(
        toml_files(folder()) if files is None else files, _rule,
        example="rules/welcome/all.toml", once="name",
    )  # fmt: skip


class RuleFolder:
    """The rules of `folder()`, read again when a file of it has changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stamp: object = None
        self._of_file: dict[Path, list[WelcomeRule]] = {}
        self._wrong: StoreOpsError | None = None

    def rules(self) -> tuple[list[WelcomeRule], StoreOpsError | None]:
        """(the rules in force, what is wrong with the files).

        One file that is not understood must not leave customers without a word: the others
        count, and of that file the rules that stood before.
        """
        with self._lock:  # many greet at the same time
            files = []
            for path in toml_files(folder()):
                with suppress(FileNotFoundError):  # an editor is just renaming it
                    found = path.stat()
                    files.append((path, found.st_mtime_ns, found.st_size))
            if files != self._stamp:
                self._read([path for path, _time, _size in files])
                self._stamp = files
            return [each for some in self._of_file.values() for each in some], self._wrong

    def _read(self, files: Sequence[Path]) -> None:
        before, self._of_file, self._wrong = self._of_file, {}, None
        for path in files:
            try:
                self._of_file[path] = rules([path])
            except StoreOpsError as error:
                self._of_file[path] = before.get(path, [])
                self._wrong = self._wrong or error
        every = [(path, each.name) for path, some in self._of_file.items() for each in some]
        self._wrong = self._wrong or repeated("name", every)  # two of one name: both count


FOLDER = RuleFolder()  # greetings and Today look at the same


def _rule(table: RuleTable) -> WelcomeRule:
    found = table.read(_FIELDS)
    attachments = tuple(
        _beside(table.file, found.pop(each))
        for each in ("image", "link", "miniprogram")
        if each in found
    )
    if not found.get("text") and not attachments:
        raise SettingProblem("text", _("a text, an [image], a [link] or a [miniprogram]"))
    return WelcomeRule(
        **{"name": table.name, "text": "", **found, "attachments": attachments},
        file=str(table.file),
    )


def _beside(rules: Path, attachment: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same with the whole path of its picture, which is looked at now."""
    kind = attachment["msgtype"]
    content = attachment[kind]
    if FILE not in content:
        return attachment
    path = rules.parent / Path(content[FILE]).expanduser()
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            begin = file.read(8)
    except OSError:
        size, begin = 0, b""
    if not is_picture(begin) or not 5 < size <= PICTURE_BYTES:
        wanted = _("a PNG or JPEG of at most {size} MB beside the rules").format(
            size=PICTURE_BYTES // 10**6
        )
        raise SettingProblem(f"{kind}.{_KEYS[kind]}", wanted)
    return {"msgtype": kind, kind: {**content, FILE: str(path)}}


def _text(where: str, value: Any) -> str:
    text = str(_bounded(wire.TEXT_BYTES)(where, value))
    for name in _PLACEHOLDER.findall(text):
        if name not in PLACEHOLDERS:
            known = " ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise SettingProblem(
                where, _("no {{{place}}}, but {known}").format(place=name, known=known)
            )
    return text


def _bounded(most: int) -> values.Reader:
    """A reader of texts of so many bytes."""

    def read(where: str, value: Any) -> str:
        text = values.text(where, value)
        if len(text.encode("utf-8", "replace")) > most:
            raise SettingProblem(where, _("at most {most} bytes").format(most=most))
        return text

    return read


def _said(most: int) -> values.Reader:
    """The same, and not empty."""

    def read(where: str, value: Any) -> str:
        text = str(_bounded(most)(where, value))
        if not text.strip():
            raise SettingProblem(where, _("text in quotes"))
        return text

    return read


def _address(where: str, value: Any) -> str:
    text = str(_bounded(wire.URL_BYTES)(where, value))
    if not re.match(r"https?://[^\s/]", text):
        raise SettingProblem(where, _("an address like https://…"))
    return text


def _image(where: str, value: Any) -> Mapping[str, Any]:
    found = values.table(where, value, {"url": _address, "file": values.text})
    if len(found) != 1:
        raise SettingProblem(where, _("either a file or an url"))
    return {
        "msgtype": "image",
        "image": {"pic_url": found["url"]} if "url" in found else {FILE: found["file"]},
    }


def _miniprogram(where: str, value: Any) -> Mapping[str, Any]:
    readers = {
        "title": _said(wire.PROGRAM_TITLE_BYTES), "appid": _said(wire.URL_BYTES),
        "page": _said(wire.URL_BYTES), "picture": values.text,
    }  # fmt: skip
    found = values.table(where, value, readers, needed=tuple(readers))
    found[FILE] = found.pop("picture")
    return {"msgtype": "miniprogram", "miniprogram": found}


def _link(where: str, value: Any) -> Mapping[str, Any]:
    readers = {
        "title": _said(wire.TITLE_BYTES), "url": _address, "picture": _address,
        "about": _bounded(wire.ABOUT_BYTES),
    }  # fmt: skip
    found = values.table(where, value, readers, needed=("title", "url"))
    words = {"title": "title", "url": "url", "picture": "picurl", "about": "desc"}
    return {"msgtype": "link", "link": {words[key]: each for key, each in found.items()}}


_FIELDS: dict[str, values.Reader] = {
    "name": values.name,
    "text": _text,
    "state": values.text_or_texts,
    "way": values.text_or_texts,
    "stores": values.text_or_texts,
    "members": values.text_or_texts,
    "priority": values.whole(-1_000, 1_000),
    "enabled": values.flag,
    "image": _image,
    "link": _link,
    "miniprogram": _miniprogram,
}
