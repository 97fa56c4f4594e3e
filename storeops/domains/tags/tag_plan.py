"""Tag planner: follows and tags → a plan of the kind `tag`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from storeops.changes import plans, relations
from storeops.changes.action import Row
from storeops.changes.follow_requests import SelectedFollows
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan
from storeops.changes.problems import Problem, of_line
from storeops.changes.relations import Relation
from storeops.changes.sheets import KEYS, USERID, Field
from storeops.domains.tags.tagging import TagAction, tag_row
from storeops.errors import StoreOpsError, UsageError
from storeops.i18n import N_, _, kept
from storeops.mirror.tag_names import Tag, TagNames
from storeops.tables.headings import column_option

# "tags" and 标签 say which tags there are, not which to set: they are taken when asked for
ADD = Field("add", ("add_tag", "添加标签", "打标签"), "Level/Gold")
REMOVE = Field("remove", ("remove_tag", "移除标签", "去除标签", "取消标签"))
FIELDS = (*KEYS, USERID, ADD, REMOVE)
_OFFERED = ("tags", "tag", "标签")
_LIST = re.compile(r"[;；|、\n]+")


def plan_tags(
    ledger: Ledger,
    selected: SelectedFollows,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    reason: str = "",
    command: str = "",
    title: str = "",
) -> Plan:
    """A plan that sets and takes off tags on the chosen follows.

    Args:
        ledger: the profile's ledger.
        selected: follows; a file's rows may name further tags in `add` and `remove`.
        add: tags to set: id, `group/name`, or an unambiguous name.
        remove: tags to take off.
        reason: why, for the journal.
        command: the command line that makes this plan again.
        title: one line for lists; "" makes one.

    Raises:
        UsageError: no tag named, an ambiguous one, or one that is added and removed.
        NotFoundError: no such tag.
    """
    names = TagNames(ledger.db)
    plus, minus = names.find_all(add), names.find_all(remove)
    _refuse_both(plus, minus)
    own = selected.sheet is not None and not {"add", "remove"}.isdisjoint(selected.sheet.fields)
    if not plus and not minus and not own:
        raise UsageError(
            _("No tag was named."),
            hint=_offer(selected) or _("Name one with --add or --remove: --add Level/Gold"),
        )
    present = relations.tags_of(ledger.db, [each.follow_id for each in selected.relations])
    problems = selected.problems.copy()
    rows: list[Row] = []
    kept: list[Relation] = []
    already: list[int] = []
    for index, relation in enumerate(selected.relations):
        wanted: tuple[list[Tag], list[Tag]] | Problem = (plus, minus)
        if own:
            wanted = _own_tags(names, selected, index, plus, minus)
        if isinstance(wanted, Problem):
            problems.append(wanted)
            continue
        row = tag_row(
            len(rows) + 1,
            relation,
            present[relation.follow_id],
            [tag.tag_id for tag in wanted[0]],
            [tag.tag_id for tag in wanted[1]],
        )
        if row is None:
            already.append(index)
            continue
        rows.append(row)
        kept.append(relation)
    verdicts = TagAction().verdicts(ledger.db, rows, kept)
    problems += selected.left_out(already)
    problems += relations.large_shares(ledger.db, kept, verdicts, ledger.policy.warn_share)
    return plans.make(
        ledger,
        TagAction.name,
        rows,
        verdicts,
        params={"add": [t.tag_id for t in plus], "remove": [t.tag_id for t in minus],
                "command": command},
        problems=problems,
        strict=selected.strict,
        title=title or _title(plus, minus),
        reason=reason,
    )  # fmt: skip


def _offer(selected: SelectedFollows) -> str:
    """How to take the tags that stand in a file; "" when it has no such column."""
    ignored = selected.sheet.ignored if selected.sheet else ()
    heading = next((each for each in ignored if each.lower() in _OFFERED), "")
    return (
        _("The file has it: add {options}").format(options=column_option(heading, "add"))
        if heading
        else ""
    )


def _title(plus: Sequence[Tag], minus: Sequence[Tag]) -> str:
    words = [f"+{tag.path}" for tag in plus] + [f"−{tag.path}" for tag in minus]
    return " ".join(words) or kept(N_("Tags from a file"))


def _refuse_both(plus: Sequence[Tag], minus: Sequence[Tag]) -> None:
    both = {tag.tag_id for tag in plus} & {tag.tag_id for tag in minus}
    if both:
        path = next(tag.path for tag in plus if tag.tag_id in both)
        raise UsageError(
            _("The tag {tag} is to be added and removed.").format(tag=path),
            hint=_("Name it once."),
        )


def _own_tags(
    names: TagNames,
    selected: SelectedFollows,
    index: int,
    plus: Sequence[Tag],
    minus: Sequence[Tag],
) -> tuple[list[Tag], list[Tag]] | Problem:
    """Tags of one line of a file, together with those of the command."""
    line, cells = selected.lines[index], selected.cells[index]
    found: list[list[Tag]] = [[*plus], [*minus]]
    for side, name in enumerate(("add", "remove")):
        for text in filter(None, map(str.strip, _LIST.split(cells.get(name, "")))):
            tag = names.try_find(text)
            if isinstance(tag, StoreOpsError):
                code = "ambiguous_tag" if isinstance(tag, UsageError) else "unknown_tag"
                return of_line(line, code, tag.message)
            found[side].append(tag)
    both = {tag.tag_id for tag in found[0]} & {tag.tag_id for tag in found[1]}
    if both:
        return of_line(line, "both", _("the same tag is to be added and removed"))
    if not found[0] and not found[1]:
        return of_line(line, "no_tag", _("no tag"))
    return found[0], found[1]
