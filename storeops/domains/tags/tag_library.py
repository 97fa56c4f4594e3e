"""The library of corp tags: what the machinery of changes needs to know of it (doc 92117).

One row is one call. `extra["op"]` is `add`, `rename`, `move` (order within its group) or `delete`;
an app may change only what it made itself, which WeCom tells by 81011 or 40068.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from storeops.changes import remembered
from storeops.changes.action import (
    DONE,
    FAILED,
    QUEUED,
    READY,
    VANISHED,
    Call,
    Row,
    RowResult,
    Verdict,
    View,
    blocked,
)
from storeops.database.database import Database
from storeops.errors import StoreOpsError
from storeops.i18n import N_, _
from storeops.mirror.tag_names import CORP_TAG, Tag, TagNames
from storeops.wecom.errcodes import ErrorCondition, code_of, codes, condition_of

NAME_LIMIT = 30  # characters
LIBRARY_LIMIT = 10_000  # tags per corp
# what WeCom says of tags that another app or a person made
FOREIGN = (ErrorCondition.TAG_FOREIGN, ErrorCondition.TAG_UNKNOWN)
KIND = "tag_library"


class TagLibraryAction:
    """Add, rename, order and delete groups and tags, one after another."""

    name = KIND
    title = N_("tag library")
    path = "externalcontact/edit_corp_tag"

    def observe(self, view: View, rows: Sequence[Row]) -> list[Mapping[str, Any]]:
        """Name and order of the row's group or tag now."""
        library = Library(view.db)
        return [library.present(row.extra) for row in rows]

    def check(self, view: View, rows: Sequence[Row]) -> list[Verdict]:
        """Names, room, existence, and what WeCom refused before."""
        library = Library(view.db)
        foreign = _refused_before(view)
        return [library.verdict(row.extra, foreign) for row in rows]

    def batch(self, rows: Sequence[Row], params: Mapping[str, Any]) -> Iterable[Sequence[Row]]:
        """One call per row, in order."""
        return [(row,) for row in rows]

    def call(self, rows: Sequence[Row], params: Mapping[str, Any]) -> Call:
        """Library calls run one after another."""
        return Call(rows, rows[0].extra, ("tags",))

    def send(self, client: Any, call: Call) -> Any:
        """Change the library; returns the groups concerned as WeCom shows them afterwards."""
        from storeops.wecom import tags

        what = call.payload
        if what["op"] == "add":
            new = [tags.NewTag(name) for name in what["tags"]]
            return [
                tags.add_corp_tag(
                    client,
                    new,
                    group_id=what["group_id"] or None,
                    group_name=what["group"],
                    group_order=what.get("group_order"),
                )
            ]
        if what["op"] == "delete":
            ids = {f"{what['of']}_ids": [what["id"]]}
            tags.delete_corp_tags(client, **ids)
            return []
        tags.edit_corp_tag(client, what["id"], name=what.get("name"), order=what.get("order"))
        try:
            return list(tags.list_corp_tags(client, group_ids=[what["group_id"]]))
        except StoreOpsError:
            return []  # it is done; the next sync will show it

    def interpret(self, call: Call, answer: Any, error: StoreOpsError | None) -> list[RowResult]:
        """Done, or a refusal in words."""
        row = call.rows[0]
        if error is None:
            return [RowResult(row.row, DONE, 0, extra=_shown(answer))]
        meaning, step = "", ""
        if condition_of(error.errcode) in FOREIGN and row.extra["op"] != "add":
            meaning = _("WeCom does not let this app change {name}: somebody else made it.").format(
                name=row.extra["label"]
            )
            step = _("Change it in the WeCom console, or with the app that made it.")
        elif error.errcode is None:
            meaning, step = error.to_keep
        return [RowResult(row.row, FAILED, error.errcode, meaning, step, error.retryable)]

    def read_back(self, client: Any, call: Call) -> list[RowResult]:
        """Look whether the library is as wished."""
        from storeops.wecom import tags

        row, what = call.rows[0], call.payload
        groups = list(tags.list_corp_tags(client))
        if what["op"] == "add":
            group = next(
                (
                    each
                    for each in groups
                    if each.group_id == what["group_id"]
                    or (not what["group_id"] and each.group_name == what["group"])
                ),
                None,
            )
            names = {tag.name for tag in group.tag} if group else set()
            there = names >= set(what["tags"])
            if not there:
                _read_whole(group.tag if group else groups)
            return [RowResult(row.row, DONE if there else QUEUED, extra=_shown(groups))]
        things: list[Any] = [
            each for group in groups for each in ([group] if what["of"] == "group" else group.tag)
        ]
        key = "group_id" if what["of"] == "group" else "id"
        found = next((each for each in things if getattr(each, key) == what["id"]), None)
        if found is None:
            status = DONE if what["op"] == "delete" else VANISHED
            return [
                RowResult(
                    row.row, status, 0 if status == DONE else code_of(ErrorCondition.TAG_UNKNOWN)
                )
            ]
        name = found.group_name if what["of"] == "group" else found.name
        there = what["op"] != "delete" and (
            name == what.get("name", name) and found.order == what.get("order", found.order)
        )
        if not there:
            _read_whole([found])
        return [RowResult(row.row, DONE if there else QUEUED, extra=_shown(groups))]

    def facts(
        self, db: Database, results: Sequence[tuple[Row, RowResult]], ref: str, now: int
    ) -> None:
        """The groups as WeCom showed them, and what is deleted."""
        from storeops.mirror import facts
        from storeops.wecom.tags import CorpTag, CorpTagGroup

        for row, answer in results:
            if answer.status != DONE:
                continue
            groups = [
                CorpTagGroup(**{**each, "tag": tuple(CorpTag(**tag) for tag in each["tag"])})
                for each in (answer.extra or {}).get("groups", ())
            ]
            gone: list[str] = []
            if row.extra["op"] == "delete":
                library = Library(db)
                gone = [row.extra["id"]]
                if row.extra["of"] == "group":
                    gone = [tag.tag_id for tag in library.groups.get(row.extra["id"], ())]
            batch = facts.Batch(tag_groups=groups, deleted_tags=gone)
            facts.apply_facts(db, "job", batch, now, ref)

    def inverse(self, view: View, rows: Sequence[Row]) -> tuple[str, list[tuple[Row, Verdict]]]:
        """Rename and order back, delete what was added; a deletion cannot be put back."""
        library = Library(view.db)
        found: list[tuple[Row, Verdict]] = []
        foreign = _refused_before(view)
        for row in reversed(rows):
            for extra, verdict in library.inverse(row):
                number = len(found) + 1
                full = {**extra, "undoes": row.row}
                if verdict.ready:
                    verdict = library.verdict(full, foreign)
                found.append((library_row(number, library, full), verdict))
        return self.name, found


class Library:
    """Groups and tags of the mirror, in memory.

    Args:
        db: data.db; read once.
    """

    def __init__(self, db: Database) -> None:
        self.names = TagNames(db)
        self.group_names: dict[str, tuple[str, int]] = {
            group_id: (name, order)
            for group_id, name, order in db.execute(
                "SELECT group_id, name, ord FROM tag_group WHERE deleted_at IS NULL"
            )
        }
        self.groups: dict[str, list[Tag]] = {group: [] for group in self.group_names}
        self.count = 0
        for tag in self.names.tags.values():
            if tag.deleted or tag.kind != CORP_TAG:
                continue
            self.count += 1
            if tag.group_id in self.groups:
                self.groups[tag.group_id].append(tag)

    def find_group(self, text: str) -> str | None:
        """group_id of a group given by id or name; None when there is none."""
        if text in self.group_names:
            return text
        return next((key for key, (name, _o) in self.group_names.items() if name == text), None)

    def present(self, what: Mapping[str, Any]) -> dict[str, Any]:
        """Name and order of the thing a row changes; empty for additions and what is gone."""
        if what["op"] == "add":
            group = self.find_group(what["group_id"] or what["group"])
            have = {tag.name for tag in self.groups.get(group or "", ())}
            return {"there": sorted(have & set(what["tags"]))}
        if what["of"] == "group":
            if what["id"] not in self.group_names:
                return {}
            name, order = self.group_names[what["id"]]
            return {"name": name, "order": order}
        tag = self.names.tags.get(what["id"])
        return {} if tag is None or tag.deleted else {"name": tag.name, "order": tag.order}

    def verdict(self, what: Mapping[str, Any], foreign: set[str]) -> Verdict:
        """Whether WeCom would take the change."""
        if what["op"] == "add":
            return self._may_add(what)
        present = self.present(what)
        if not present:
            return blocked(
                "unknown_tag",
                _("{name} is not in the library (any more).").format(name=what["label"]),
                errcode=40068,
            )
        if what["id"] in foreign:
            return blocked(
                "foreign",
                _("WeCom does not let this app change {name}: somebody else made it.").format(
                    name=what["label"]
                ),
                errcode=81011,
                way_out=_(
                    "Change it in the WeCom console or with the app that made it, or ask anew with "
                    "--recheck."
                ),
            )
        name = what.get("name")
        if name is None or name == present["name"]:
            return READY
        verdict = name_verdict(name)
        if verdict.ready and name in self._siblings(what):
            return _exists(name)
        return verdict

    def _siblings(self, what: Mapping[str, Any]) -> set[str]:
        if what["of"] == "group":
            return {name for name, _order in self.group_names.values()}
        return {tag.name for tag in self.groups.get(what["group_id"], ())}

    def _may_add(self, what: Mapping[str, Any]) -> Verdict:
        for name in (what["group"], *what["tags"]):
            verdict = name_verdict(name)
            if not verdict.ready:
                return verdict
        if self.count + len(what["tags"]) > LIBRARY_LIMIT:
            return blocked(
                "library_full",
                _("The tag library is full: it has {several} tags, {limit} are allowed.").format(
                    several=self.count, limit=LIBRARY_LIMIT
                ),
                errcode=40126,
                way_out=_("Delete tags that nobody uses, then plan again."),
            )
        there = self.present(what)["there"]
        return _exists(there[0]) if there else READY

    def inverse(self, row: Row) -> list[tuple[dict[str, Any], Verdict]]:
        """What puts a done row back."""
        what = row.extra
        if what["op"] == "add":
            group = self.find_group(what["group_id"] or what["group"]) or ""
            return [
                (change("delete", "tag", tag.tag_id, tag.path, group), READY)
                for tag in self.groups.get(group, ())
                if tag.name in what["tags"]
            ]
        if what["op"] == "delete":
            verdict = blocked(
                "deleted",
                _("A deleted tag cannot be put back; a new one has a new id and no customers."),
                way_out=_("Add it again, then tag the customers: storeops tag add"),
            )
            return [({**what}, verdict)]
        back = {key: row.before[key] for key in ("name", "order") if key in row.after}
        return [({**what, **back}, READY)]


def change(op: str, of: str, id_: str, label: str, group_id: str, **values: Any) -> dict[str, Any]:
    """`extra` of a row that changes an existing group or tag.

    Args:
        op: rename | move | delete.
        of: group | tag.
        id_: WeCom's id.
        label: its name, for sentences.
        group_id: its group (itself for a group).
        values: `name` or `order`, as wished.
    """
    return {"op": op, "of": of, "id": id_, "label": label, "group_id": group_id, **values}


def library_row(number: int, library: Library, what: Mapping[str, Any]) -> Row:
    """The row of one change to the library."""
    if what["op"] == "add":
        subject = f"add:{what['group_id'] or what['group']}/{','.join(what['tags'])}"
        after: dict[str, Any] = {"group": what["group"], "tags": what["tags"]}
    else:
        subject = f"{what['of']}:{what['id']}"
        after = {key: what[key] for key in ("name", "order") if key in what}
        if what["op"] == "delete":
            after = {"deleted": True}
    return Row(number, subject=subject, before=library.present(what), after=after, extra=dict(what))


def name_verdict(name: str) -> Verdict:
    """Whether a tag or group may be called so: 1 to 30 characters (40072)."""
    if not name.strip():
        return blocked("empty_name", _("A tag needs a name."), errcode=40072)
    if len(name) > NAME_LIMIT:
        return blocked(
            "long_name",
            _("The name {name} has {count} characters; {limit} are allowed.").format(
                name=name, count=len(name), limit=NAME_LIMIT
            ),
            errcode=40072,
            way_out=_("Choose a shorter name."),
        )
    return READY


def _exists(name: str) -> Verdict:
    return blocked(
        "name_exists",
        _("The name {name} is taken.").format(name=name),
        errcode=40071,
        way_out=_("Choose another name, or use the tag that has it: storeops tag list"),
    )


def _refused_before(view: View) -> set[str]:
    """Ids of groups and tags of which WeCom has told this app lately that they are not its own."""
    if view.params.get("recheck"):
        return set()
    foreign = codes(ErrorCondition.TAG_FOREIGN)
    return {
        subject.partition(":")[2]
        for (subject,) in view.db.execute(
            "SELECT subject FROM plan_row JOIN plan ON plan.id = plan_row.plan_id"
            " WHERE plan.kind = ? AND plan_row.status = 'failed' AND plan_row.at >= ?"
            f" AND plan_row.errcode IN ({','.join('?' * len(foreign))})",
            (KIND, remembered.since(view.db, view.now), *foreign),
        )
    }


def _shown(groups: Iterable[Any]) -> dict[str, Any]:
    return {"groups": [asdict(each) for each in groups]}


def _read_whole(things: Iterable[Any]) -> None:
    """Nothing follows from a name or place that was not read whole.

    Raises:
        ResponseError: which tag or group it is.
    """
    from storeops.wecom.failures import in_halves, lost_row
    from storeops.wecom.oddities import LostRow

    for number, each in enumerate(things, 1):
        of, key = ("tag_group", "group_id") if hasattr(each, "group_id") else ("tag", "id")
        name = each.group_name if of == "tag_group" else each.name
        if in_halves(name) or {each.label, "order"} & set(each.unread):
            raise lost_row(LostRow(of, number, {key: getattr(each, key)}, each.label))
