"""Files of contact ways: one row a code, new or known; what the list writes reads back the same."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

from storeops.changes.ledger import Ledger
from storeops.changes.problems import of_line
from storeops.changes.sheets import Field, Sheet, SheetLine
from storeops.domains.contact_way.planner import Request, new_way
from storeops.domains.contact_way.ways import Way, listed
from storeops.errors import StoreOpsError
from storeops.i18n import _
from storeops.mirror.members import Members
from storeops.plain import plain
from storeops.reading.customers import names_of
from storeops.tables import typed

FIELDS = (
    Field("config_id", ("id", "活码id", "活码 id", "配置id"), "", key=True),
    Field("remark", ("name", "名称", "活码名称", "活码", "渠道名称"), "东湖店橱窗", key=True),
    Field("state", ("渠道", "渠道参数", "参数", "state 参数"), "store_wh_012", key=True),
    Field(
        "user",
        ("users", "userid", "userids", "member", "members", "成员", "成员账号", "导购", "员工"),
        "zhangsan;lisi",
    ),
    Field("party", ("store", "department", "departments", "部门", "门店"), ""),
    Field("skip_verify", ("added at once", "免验证", "自动通过", "无需验证"), "是"),
    Field("is_exclusive", ("唯一", "同一外部企业客户只能添加同一个员工"), ""),
    Field("type", ("类型", "联系方式类型"), ""),
    Field("scene", ("场景",), ""),
)
_FLAGS = {
    **dict.fromkeys(("1", "true", "yes", "y", "是", "对", "开"), True),
    **dict.fromkeys(("0", "false", "no", "n", "否", "不", "关"), False),
}
_TYPES = {
    **dict.fromkeys(("1", "single", "one member", "单人"), 1),
    **dict.fromkeys(("2", "multi", "several members", "多人"), 2),
}
_SCENES = {
    **dict.fromkeys(("1", "button", "小程序", "按钮", "小程序按钮"), 1),
    **dict.fromkeys(("2", "qr", "qr code", "二维码"), 2),
}
_APART = re.compile(r"[;,，；、|\n]+")


class _Unread(Exception):
    """Why a cell cannot be taken, one clause in the user's language."""


def request_of(ledger: Ledger, sheet: Sheet) -> Request:
    """What the rows of a file ask for.

    A row with a config_id is about that way; one without is about the way of the same name and
    state when there is one, else it asks for a new one. Empty cells leave what is; `-` empties it.

    Args:
        ledger: the profile's ledger.
        sheet: read with `FIELDS`.
    """
    return _Rows(ledger, sheet).request()


class _Rows:
    def __init__(self, ledger: Ledger, sheet: Sheet) -> None:
        self._sheet = sheet
        self._members = Members(ledger.db.connection)
        self._names = names_of(ledger.db)
        every = listed(ledger.db, 0.0, count=False)
        self._by_id = {way.config_id: way for way in every}
        self._by_name: dict[tuple[str, str], list[Way]] = defaultdict(list)
        for way in every:
            self._by_name[way.remark, way.state].append(way)
        self._seen: dict[Any, int] = {}

    def request(self) -> Request:
        request = Request()
        request.problems += self._sheet.problems
        for line in self._sheet.lines:
            try:
                self._take(request, line)
            except _Unread as error:
                request.problems.append(of_line(line.number, "unreadable", str(error)))
        return request

    def _take(self, request: Request, line: SheetLine) -> None:
        fields = self._names_of(line)
        way = self._way(line, fields)
        # what a list showed of a hidden character is no wish
        for name in ("remark", "state"):
            if way and name in fields and plain(line.get(name)) == plain(way.fields[name]):
                del fields[name]
        fields |= self._others(line, {each.lower() for each in way.user} if way else set())
        key = way.config_id if way else (fields.get("remark", ""), fields.get("state", ""))
        if key in self._seen and (way or any(key)):
            raise _Unread(
                _("the same contact way stands in line {line} already").format(line=self._seen[key])
            )
        self._seen[key] = line.number
        if way is None:
            if not fields.get("user") and not fields.get("party"):
                raise _Unread(_("a new contact way needs members or departments"))
            request.add.append(new_way(fields))
            return
        for name in ("type", "scene"):
            if fields.pop(name, None) not in (None, way.fields[name]):
                raise _Unread(_("WeCom cannot change the {field} of a way").format(field=name))
        request.change(way, fields)

    def _way(self, line: SheetLine, fields: dict[str, Any]) -> Way | None:
        config_id = typed.word(line.get("config_id"))
        if config_id:
            if config_id not in self._by_id:
                raise _Unread(_("there is no contact way {id}").format(id=config_id))
            return self._by_id[config_id]
        name = (fields.get("remark", ""), fields.get("state", ""))
        same = self._by_name.get(name, []) if any(name) else []
        if len(same) > 1:
            raise _Unread(_("several contact ways have this name and state: give the config_id"))
        return same[0] if same else None

    def _names_of(self, line: SheetLine) -> dict[str, Any]:
        texts = {name: line.get(name).strip() for name in ("remark", "state")}
        return {name: "" if text == "-" else text for name, text in texts.items() if text}

    def _others(self, line: SheetLine, known: set[str]) -> dict[str, Any]:
        """The other cells; `known` userids, lower case, are taken as they are."""
        found: dict[str, Any] = {}
        for name, words in (
            ("skip_verify", _FLAGS), ("is_exclusive", _FLAGS), ("type", _TYPES), ("scene", _SCENES),
        ):  # fmt: skip
            text = typed.word(line.get(name)).casefold()
            if text and text not in words:
                raise _Unread(_("{field} “{text}” is not understood").format(field=name, text=text))
            if text:
                found[name] = words[text]
        users, parties = _several(line.get("user")), _several(line.get("party"))
        if users is not None:
            found["user"] = list(
                dict.fromkeys(
                    each if each.lower() in known else self._userid(each) for each in users
                )
            )
        if parties is not None:
            found["party"] = list(dict.fromkeys(map(self._department, parties)))
        return found

    def _userid(self, text: str) -> str:
        member = self._members.try_find(text)
        if isinstance(member, StoreOpsError):
            raise _Unread(member.message)
        return member.userid

    def _department(self, text: str) -> int:
        if text.isdecimal() and int(text) in self._names.departments:
            return int(text)
        try:
            return self._names.find_store(text)
        except StoreOpsError as error:
            raise _Unread(error.message) from None


def _several(cell: str) -> list[str] | None:
    """The values of a cell: as the list writes them, or between ; and commas; None leaves all."""
    text = cell.strip()
    if not text:
        return None
    if text == "-":
        return []
    if text.startswith("["):
        try:
            return [str(each) for each in json.loads(text)]
        except ValueError:
            raise _Unread(_("“{text}” is not understood").format(text=text[:40])) from None
    return [word for each in _APART.split(text) if (word := typed.word(each))]
