"""Library planner: groups and tags to add, rename, order or delete → a plan of `tag_library`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from storeops.changes import plans
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan
from storeops.changes.problems import Problem
from storeops.domains.tags.tag_library import KIND, Library, change, library_row
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import N_, _, kept, ngettext
from storeops.mirror.tag_names import Tag


def add_tags(
    ledger: Ledger, group: str, tags: Sequence[str], *, new_group: bool = False,
    order: int | None = None, reason: str = "", command: str = "",
) -> Plan:  # fmt: skip
    """Add tags to a group; a group begins with its first tag.

    Args:
        ledger: the profile's ledger.
        group: id or name of the group.
        tags: names.
        new_group: the group must not exist yet; else it must.
        order: of a new group; larger comes first.
        reason: why, for the journal.
        command: the command line that makes this plan again.

    Raises:
        UsageError: no name, a name twice, or the group exists (or not) against `new_group`.
        NotFoundError: no such group.
    """
    library = Library(ledger.db)
    names = [each.strip() for each in tags]
    if not names:
        raise UsageError(_("A group begins with its first tag."), hint=_("Name one: --tag NAME"))
    if len(set(names)) < len(names):
        raise UsageError(_("The same name is given twice."), hint=_("Name each tag once."))
    group_id = library.find_group(group)
    if new_group and group_id is not None:
        raise UsageError(
            _("The group {name} exists already.").format(name=group),
            hint=_("Add to it: storeops tag add {name} --tag NAME").format(name=shlex.quote(group)),
        )
    if not new_group and group_id is None:
        raise NotFoundError(
            _("There is no group {name}.").format(name=group),
            hint=_("Make it: storeops tag group add {name} --tag NAME").format(
                name=shlex.quote(group)
            ),
        )
    name = library.group_names[group_id][0] if group_id else group.strip()
    what: dict[str, Any] = {
        "op": "add", "group_id": group_id or "", "group": name, "tags": names,
        "label": f"{name}/{', '.join(names)}",
    }  # fmt: skip
    if order is not None:
        what["group_order"] = order
    title = kept(N_("Add tags: {tags}"), tags=what["label"])
    return _make(ledger, library, [what], [], title, reason, command)


def change_tag(ledger: Ledger, text: str, op: str, **wanted: Any) -> Plan:
    """Rename, order or delete one tag.

    Args:
        ledger: the profile's ledger.
        text: the tag, as people write it.
        op: rename | move | delete.
        wanted: `name` or `order`, and what `_change` takes.

    Raises:
        UsageError, NotFoundError: the tag is not found or ambiguous.
    """
    library = Library(ledger.db)
    tag = library.names.find(text)
    target = ("tag", tag.tag_id, tag.path, tag.group_id)
    return _change(ledger, library, op, target, [tag], **wanted)


def change_group(ledger: Ledger, text: str, op: str, **wanted: Any) -> Plan:
    """Rename, order or delete one group with its tags; arguments as of `change_tag`.

    Raises:
        NotFoundError: no such group.
    """
    library = Library(ledger.db)
    group_id = library.find_group(text)
    if group_id is None:
        raise NotFoundError(
            _("There is no group {name}.").format(name=text),
            hint=_("See all tags: storeops tag list"),
        )
    target = ("group", group_id, library.group_names[group_id][0], group_id)
    return _change(ledger, library, op, target, library.groups[group_id], **wanted)


def _change(
    ledger: Ledger,
    library: Library,
    op: str,
    target: tuple[str, str, str, str],
    tags: Sequence[Tag],
    *,
    recheck: bool = False,
    reason: str = "",
    command: str = "",
    **values: Any,
) -> Plan:
    """The plan of one change of the library.

    Args:
        ledger: the profile's ledger.
        library: as the mirror has it.
        op: rename | move | delete.
        target: (tag or group, its id, its name for people, the group's id).
        tags: those that go when it is deleted.
        recheck: do not believe that WeCom refused it before; ask anew.
        reason: why, for the journal.
        command: the command line that makes this plan again.
        values: `name` or `order`.
    """
    _what, key, label, _group = target
    problems = _loss(ledger, tags) if op == "delete" else []
    problems += _ownership(ledger, [key])
    return _make(
        ledger, library, [change(op, *target, **values)], problems, _title(op, label, values),
        reason, command, recheck,
    )  # fmt: skip


def _make(
    ledger: Ledger,
    library: Library,
    wanted: Sequence[Mapping[str, Any]],
    problems: Sequence[Problem],
    title: str,
    reason: str,
    command: str,
    recheck: bool = False,
) -> Plan:
    rows = [library_row(number, library, each) for number, each in enumerate(wanted, start=1)]
    return plans.make(
        ledger, KIND, rows, params={"command": command, **({"recheck": True} if recheck else {})},
        problems=problems, title=title, reason=reason,
    )  # fmt: skip


def _title(op: str, label: str, values: Mapping[str, Any]) -> str:
    if op == "rename":
        return kept(N_("Rename {name} to {new}"), name=label, new=values["name"])
    if op == "move":
        return kept(N_("Order of {name}: {order}"), name=label, order=values["order"])
    return kept(N_("Delete {name}"), name=label)


def _loss(ledger: Ledger, tags: Sequence[Tag]) -> list[Problem]:
    """How many customers lose a tag that is deleted: it cannot be put back."""
    count: int = ledger.db.execute(
        "SELECT count(*) FROM follow_tag JOIN tag ON tag.id = follow_tag.tag_id"
        f" WHERE tag.tag_id IN ({','.join('?' * len(tags))})",
        [tag.tag_id for tag in tags],
    ).fetchone()[0]
    message = ngettext(
        "{count} customer loses it, and it cannot be put back.",
        "{count} customers lose it, and it cannot be put back.",
        count,
    ).format(count=count)
    return [Problem("no_undo", message, warning=True)]


def _ownership(ledger: Ledger, ids: Sequence[str]) -> list[Problem]:
    """A note when nothing shows that this app made the tag: WeCom may refuse."""
    made: set[str] = set()
    for (answer,) in ledger.db.execute(
        "SELECT answer FROM plan_row JOIN plan ON plan.id = plan_row.plan_id"
        " WHERE plan.kind = ? AND plan_row.status = 'done' AND answer IS NOT NULL"
        " AND json_extract(plan_row.extra, '$.op') = 'add'",
        (KIND,),
    ):
        made.update(_ids_of(answer))
    if made.issuperset(ids):
        return []
    return [
        Problem(
            "maybe_foreign",
            _("An app may change only tags that it made; WeCom refuses if somebody else made it."),
            warning=True,
        )
    ]


def _ids_of(answer: str) -> set[str]:
    import json

    found: set[str] = set()
    for group in json.loads(answer).get("groups", ()):
        found.add(group["group_id"])
        found.update(tag["id"] for tag in group["tag"])
    return found
