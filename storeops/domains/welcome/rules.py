"""Rules of greetings: files in rules/welcome/*.toml; of those that fit a customer one counts.

```toml
name = "shenzhen"                       # the file's name when absent
text = "您好，我是{store}的{member}。"   # {member} {store} {state}
state = ["store_sz_*"]                  # of the contact way; * and ? stand for letters
stores = ["SZ012"]                      # codes or names of shops, or department ids
members = ["u_lin"]                     # userids
priority = 10                           # the highest counts, then the narrowest; 0 when absent
enabled = true
[image]
url = "https://wework.qpic.cn/…"        # as media/uploadimg gave it
[link]
title = "Menu"
url = "https://s.example/menu"
picture = "https://s.example/menu.png"
about = "What is new today."
```
A file may hold several rules as `[[rule]]` tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from storeops import paths
from storeops.errors import NotFoundError, StoreOpsError, UsageError
from storeops.i18n import _
from storeops.private_file import read_toml
from storeops.spelling import did_you_mean
from storeops.wecom import welcome as wire

KEYS = (
    "name", "text", "state", "stores", "members", "priority", "enabled", "image", "link",
)  # fmt: skip
PLACEHOLDERS = ("member", "store", "state")
_PLACEHOLDER = re.compile(r"\{([^{}\s]*)\}")
_NAME_LETTERS = 60


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
    """

    userid: str
    member: str = ""
    store_id: int = 0
    store: str = ""
    stores: frozenset[str] = frozenset()
    state: str = ""


@dataclass(frozen=True, slots=True)
class WelcomeRule:
    """One rule.

    Attributes:
        name: unique among the rules.
        text: with placeholders; "" for attachments only.
        state: patterns of `state`; empty for all, like the next two.
        stores: codes, names or department ids of shops.
        members: userids.
        priority: the highest that fits counts.
        enabled: it counts.
        attachments: as WeCom takes them.
        file: where it stands.
    """

    name: str
    text: str
    state: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    priority: int = 0
    enabled: bool = True
    attachments: tuple[Mapping[str, Any], ...] = ()
    file: str = ""

    @property
    def narrowness(self) -> int:
        """Of equal priority the narrower one counts: a member before a state before a shop."""
        return 4 * bool(self.members) + 2 * bool(self.state) + bool(self.stores)

    def fits(self, who: Newcomer) -> bool:
        """Whether it is about this customer."""
        return (
            self.enabled
            and (not self.state or any(fnmatchcase(who.state, each) for each in self.state))
            and (not self.members or who.userid.casefold() in map(str.casefold, self.members))
            and (not self.stores or any(each.casefold() in who.stores for each in self.stores))
        )

    def words(self, who: Newcomer) -> str:
        """The text for one customer; what is not known is left out."""
        values = {"member": who.member, "store": who.store, "state": who.state}
        text = _PLACEHOLDER.sub(lambda found: values[found[1]], self.text)
        return text.encode("utf-8", "replace")[: wire.TEXT_BYTES].decode("utf-8", "ignore")

    def as_dict(self) -> dict[str, Any]:
        """The item of `welcome rule --json`."""
        return {
            "name": self.name, "enabled": self.enabled, "priority": self.priority,
            "state": list(self.state), "stores": list(self.stores), "members": list(self.members),
            "text": self.text, "attachments": [each["msgtype"] for each in self.attachments],
            "file": self.file,
        }  # fmt: skip


def chosen(rules: Sequence[WelcomeRule], who: Newcomer) -> WelcomeRule | None:
    """The rule that counts: by priority, narrowness, name; None when none fits."""
    fitting = [each for each in rules if each.fits(who)]
    return min(
        fitting, key=lambda each: (-each.priority, -each.narrowness, each.name), default=None
    )


# -- files ----------------------------------------------------------------------------------------


def folder() -> Path:
    """rules/welcome of the present folder, else of the folder of config.toml."""
    here = Path("rules/welcome")
    return here if here.is_dir() else paths.config_dir() / "rules" / "welcome"


def rules(files: Sequence[Path] | None = None) -> list[WelcomeRule]:
    """All rules, checked, in the order of their files.

    Args:
        files: of rules; None for those of `folder()`.

    Raises:
        NotFoundError: there is no such file.
        UsageError: a file is not understood; names file and key.
    """
    found: dict[str, WelcomeRule] = {}
    for path in sorted(folder().glob("*.toml")) if files is None else files:
        for table in _tables(path):
            rule = _WelcomeReader(path, table).rule()
            key = rule.name.casefold()
            if key in found:
                raise UsageError(
                    _("{path}: two rules are called {name}.").format(path=path, name=rule.name),
                    hint=_("Give one of them another name; the other stands in {file}.").format(
                        file=found[key].file
                    ),
                )
            found[key] = rule
    return list(found.values())


class RuleFolder:
    """The rules of `folder()`, read again when a file of it has changed."""

    def __init__(self) -> None:
        self._stamp: object = None
        self._rules: list[WelcomeRule] = []
        self._wrong: StoreOpsError | None = None

    def rules(self) -> tuple[list[WelcomeRule], StoreOpsError | None]:
        """(the rules in force, what is wrong with the files).

        A file that is being edited must not leave customers without a word: while it is not
        understood, the rules that stood before stay in force.
        """
        files = [
            (path, found.st_mtime_ns, found.st_size)
            for path in sorted(folder().glob("*.toml"))
            for found in [path.stat()]
        ]
        if files != self._stamp:
            self._stamp, self._wrong = files, None
            try:
                self._rules = rules([path for path, _time, _size in files])
            except StoreOpsError as error:
                self._wrong = error
        return self._rules, self._wrong


def _tables(path: Path) -> list[dict[str, Any]]:
    try:
        data = read_toml(path)
    except FileNotFoundError:
        raise NotFoundError(
            _("There is no file {path}.").format(path=path),
            hint=_("Rules of greetings are files like rules/welcome/all.toml."),
        ) from None
    except (OSError, ValueError) as error:
        raise UsageError(
            _("{path} is not understood: {error}").format(path=path, error=error)
        ) from None
    several = data.pop("rule", None)
    if several is None:
        return [data]
    if data or not isinstance(several, list) or not all(isinstance(each, dict) for each in several):
        raise UsageError(
            _("{path}: write either one rule, or several as [[rule]].").format(path=path)
        )
    return several


class _WelcomeReader:
    """One table of a file."""

    def __init__(self, path: Path, table: Mapping[str, Any]) -> None:
        self.path, self.table = path, table

    def wrong(self, key: str, message: str, hint: str = "") -> UsageError:
        return UsageError(f"{self.path}, {key}: {message}", hint=hint)

    def rule(self) -> WelcomeRule:
        self.known(self.table, KEYS, "")
        attachments = [each for each in (self.image(), self.link()) if each]
        text = self.text(self.table, "text", wire.TEXT_BYTES, "")
        self.placeholders(text)
        if not text and not attachments:
            raise self.wrong("text", _("a greeting needs a text, an image or a link"))
        name = self.text(self.table, "name", 4 * _NAME_LETTERS, "") or self.path.stem
        priority, enabled = self.table.get("priority", 0), self.table.get("enabled", True)
        if type(priority) is not int or abs(priority) > 1_000_000:
            raise self.wrong("priority", _("it is a whole number"))
        if not isinstance(enabled, bool):
            raise self.wrong("enabled", _("it is true or false"))
        return WelcomeRule(
            name, text, self.words("state"), self.words("stores"), self.words("members"),
            priority, enabled, tuple(attachments), str(self.path),
        )  # fmt: skip

    def known(self, table: Mapping[str, Any], keys: Sequence[str], inside: str) -> None:
        for key in table:
            if key not in keys:
                listing = _("Known: {names}.").format(names=", ".join(keys))
                raise self.wrong(
                    f"{inside}{key}",
                    _("no rule has this key"),
                    did_you_mean(key, keys, listing),
                )

    def text(
        self, table: Mapping[str, Any], key: str, most: int, inside: str, *, must: bool = False
    ) -> str:
        value = table.get(key, "")
        if not isinstance(value, str) or (must and not value.strip()):
            raise self.wrong(f"{inside}{key}", _("it is a text"))
        if len(value.encode("utf-8", "replace")) > most:
            raise self.wrong(
                f"{inside}{key}", _("it is longer than {most} bytes").format(most=most)
            )
        return value

    def placeholders(self, text: str) -> None:
        for name in _PLACEHOLDER.findall(text):
            if name not in PLACEHOLDERS:
                listing = _("Known: {names}.").format(
                    names=", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
                )
                raise self.wrong(
                    "text",
                    _("nothing is called {name}").format(name=f"{{{name}}}"),
                    did_you_mean(name, PLACEHOLDERS, listing),
                )

    def words(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key, [])
        value = [value] if isinstance(value, str) and value else value
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise self.wrong(key, _("it is a list of texts"))
        return tuple(value)

    def part(self, key: str, keys: Sequence[str]) -> Mapping[str, Any] | None:
        table = self.table.get(key)
        if table is None:
            return None
        if not isinstance(table, dict):
            raise self.wrong(key, _("it is a table, like [{key}]").format(key=key))
        self.known(table, keys, f"{key}.")
        return table

    def address(self, table: Mapping[str, Any], key: str, inside: str, *, must: bool) -> str:
        value = self.text(table, key, wire.URL_BYTES, inside, must=must)
        if value and not re.match(r"https?://[^\s/]", value):
            raise self.wrong(f"{inside}{key}", _("it is an address like https://…"))
        return value

    def image(self) -> Mapping[str, Any] | None:
        table = self.part("image", ("url",))
        if table is None:
            return None
        url = self.address(table, "url", "image.", must=True)
        return {"msgtype": "image", "image": {"pic_url": url}}

    def link(self) -> Mapping[str, Any] | None:
        table = self.part("link", ("title", "url", "picture", "about"))
        if table is None:
            return None
        content = {
            "title": self.text(table, "title", wire.TITLE_BYTES, "link.", must=True),
            "url": self.address(table, "url", "link.", must=True),
            "picurl": self.address(table, "picture", "link.", must=False),
            "desc": self.text(table, "about", wire.ABOUT_BYTES, "link."),
        }
        return {"msgtype": "link", "link": {key: value for key, value in content.items() if value}}
