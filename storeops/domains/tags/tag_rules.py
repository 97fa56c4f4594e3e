"""Tag rules: files in rules/*.toml – a condition over the mirror, tags to add and to remove.

```toml
name = "Regulars of the north"        # one line for people
where = "store:N* since:90d !#Left"   # the filter language
follows = "all"                       # all | newest
owner = ""                            # or one member: only this member's follows
add = ["Level/Gold"]
remove = ["Level/Silver"]
```
A file may hold several rules as `[[rule]]` tables. Rules are idempotent: what is so already is
left out, so a rule may run every night.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from storeops.changes import relations
from storeops.changes.follow_requests import (
    ALL,
    NEWEST,
    FollowRequest,
    SelectedFollows,
    select_follows,
)
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan
from storeops.domains.tags.tag_plan import plan_tags
from storeops.errors import StoreOpsError
from storeops.i18n import N_, _, kept
from storeops.mirror.tag_names import TagNames
from storeops.reading.customers import Selection
from storeops.toml import values
from storeops.toml.files import RuleTable, read_rules
from storeops.toml.values import SettingProblem

EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: for people; the file's name when it has none.
        file: where it stands.
        request: which follows.
        add, remove: tags, as people write them.
    """

    name: str
    file: str
    request: FollowRequest
    add: tuple[str, ...]
    remove: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would change now.

    Attributes:
        rule: the rule.
        matched: follows that fulfil the condition.
        changes: follows whose tags would change.
        examples: the first ten: (customer's name, member, tags to add, tags to remove).
    """

    rule: Rule
    matched: int
    changes: int
    examples: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...]


def read(paths: Iterable[str]) -> list[Rule]:
    """Rules of files and folders; raises as `read_rules` does."""
    return read_rules(paths, _rule, example="rules/gold.toml")


def _rule(table: RuleTable) -> Rule:
    found = table.read(_FIELDS)
    owner = found.get("owner", ())
    request = FollowRequest(
        Selection(where=found.get("where", ""), store=found.get("store", ()), owner=owner),
        found.get("follows") or ("" if owner else ALL),
    )
    if not request.given:
        raise SettingProblem("where", _("a filter, for a rule needs a condition"))
    add, remove = found.get("add", ()), found.get("remove", ())
    if not add and not remove:
        raise SettingProblem("add", _("tags, to add or to remove"))
    return Rule(found.get("name") or table.name, str(table.file), request, add, remove)


def _follows(where: str, value: Any) -> str:
    if value not in ("", ALL, NEWEST):
        raise SettingProblem(
            where, f"{ALL}, {NEWEST}", _("Leave it out and name an owner to mean one member.")
        )
    return str(value)


_FIELDS: dict[str, values.Reader] = {
    "name": values.text,
    "where": values.text,
    "follows": _follows,
    "owner": values.text_or_texts,
    "store": values.text_or_texts,
    "add": values.texts,
    "remove": values.texts,
}


def check(ledger: Ledger, rule: Rule) -> list[str]:
    """What is wrong with a rule; empty when it can run. Looks tags, owners and shops up."""
    troubles: list[str] = []
    names = TagNames(ledger.db)
    for text in (*rule.add, *rule.remove):
        tag = names.try_find(text)
        if isinstance(tag, StoreOpsError):
            troubles.append(_describe(tag))
    try:
        select_follows(ledger.db, rule.request, ledger.clock.now())
    except StoreOpsError as error:
        troubles.append(_describe(error))
    return troubles


def _describe(error: StoreOpsError) -> str:
    """Message and hint as two sentences of one line."""
    message = error.message.rstrip(".。")
    if not error.hint:
        return message
    return _("{message}. {hint}").format(message=message, hint=error.hint)


def preview(ledger: Ledger, rule: Rule) -> Preview:
    """The count and ten examples; nothing is stored.

    Raises:
        StoreOpsError: the rule cannot run.
    """
    names = TagNames(ledger.db)
    plus, minus = names.find_all(rule.add), names.find_all(rule.remove)
    selected = select_follows(ledger.db, rule.request, ledger.clock.now())
    present = relations.tags_of(ledger.db, [each.follow_id for each in selected.relations])
    changes = 0
    examples: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = []
    for relation in selected.relations:
        has = present[relation.follow_id]
        add = tuple(tag.path for tag in plus if tag.tag_id not in has)
        remove = tuple(tag.path for tag in minus if tag.tag_id in has)
        if not add and not remove:
            continue
        changes += 1
        if len(examples) < EXAMPLES:
            examples.append((relation.name, relation.staff_name or relation.userid, add, remove))
    return Preview(rule, len(selected.relations), changes, tuple(examples))


def plan(ledger: Ledger, rule: Rule, *, reason: str = "", command: str = "") -> Plan:
    """The plan of one rule.

    Raises:
        StoreOpsError: the rule cannot run.
    """
    selected: SelectedFollows = select_follows(ledger.db, rule.request, ledger.clock.now())
    return plan_tags(
        ledger, selected, add=rule.add, remove=rule.remove, reason=reason, command=command,
        title=kept(N_("Rule {name}"), name=rule.name),
    )  # fmt: skip
