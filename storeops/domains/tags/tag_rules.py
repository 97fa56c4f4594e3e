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

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storeops.changes import relations
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan
from storeops.changes.wishes import ALL, NEWEST, Choice, Chosen, choose
from storeops.domains.tags.tag_plan import plan_tags
from storeops.errors import NotFoundError, StoreOpsError, UsageError
from storeops.i18n import _
from storeops.mirror.tag_names import TagNames
from storeops.reading.customers import Selection
from storeops.spelling import did_you_mean

KEYS = ("name", "where", "follows", "owner", "store", "add", "remove")
EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: for people; the file's name when it has none.
        file: where it stands.
        choice: which follows.
        add, remove: tags, as people write them.
    """

    name: str
    file: str
    choice: Choice
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


def read(paths: Sequence[str]) -> list[Rule]:
    """Rules of files, or of all *.toml files of folders.

    Raises:
        NotFoundError: no such file, or no rules in a folder.
        UsageError: a file is not understood; names file, rule and key.
    """
    files: list[Path] = []
    for text in paths:
        path = Path(text).expanduser()
        if path.is_dir():
            files += sorted(path.glob("*.toml"))
        else:
            files.append(path)
    if not files:
        raise NotFoundError(
            _("There are no rules in {paths}.").format(paths=_(", ").join(paths)),
            hint=_("Put files like rules/gold.toml there: storeops tag rule --help"),
        )
    return [rule for file in files for rule in _file(file)]


def check(ledger: Ledger, rule: Rule) -> list[str]:
    """What is wrong with a rule; empty when it can run. Looks tags, owners and shops up."""
    troubles: list[str] = []
    names = TagNames(ledger.db)
    for text in (*rule.add, *rule.remove):
        tag = names.try_find(text)
        if isinstance(tag, StoreOpsError):
            troubles.append(_told(tag))
    try:
        choose(ledger.db, rule.choice, ledger.clock.now())
    except StoreOpsError as error:
        troubles.append(_told(error))
    return troubles


def _told(error: StoreOpsError) -> str:
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
    chosen = choose(ledger.db, rule.choice, ledger.clock.now())
    present = relations.tags_of(ledger.db, [each.follow_id for each in chosen.relations])
    changes = 0
    examples: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = []
    for relation in chosen.relations:
        has = present[relation.follow_id]
        add = tuple(tag.path for tag in plus if tag.tag_id not in has)
        remove = tuple(tag.path for tag in minus if tag.tag_id in has)
        if not add and not remove:
            continue
        changes += 1
        if len(examples) < EXAMPLES:
            examples.append((relation.name, relation.staff_name or relation.userid, add, remove))
    return Preview(rule, len(chosen.relations), changes, tuple(examples))


def plan(ledger: Ledger, rule: Rule, *, reason: str = "", command: str = "") -> Plan:
    """The plan of one rule.

    Raises:
        StoreOpsError: the rule cannot run.
    """
    chosen: Chosen = choose(ledger.db, rule.choice, ledger.clock.now())
    return plan_tags(
        ledger, chosen, add=rule.add, remove=rule.remove, reason=reason, command=command,
        title=_("Rule {name}").format(name=rule.name),
    )  # fmt: skip


def _file(path: Path) -> list[Rule]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFoundError(_("There is no file {path}.").format(path=path)) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            _("{path} is not understood: {error}").format(path=path, error=error)
        ) from None
    tables = data.pop("rule", None)
    if tables is None:
        return [_rule(path, path.stem, data)]
    if data or not isinstance(tables, list):
        raise UsageError(
            _("{path}: write either one rule, or several as [[rule]].").format(path=path)
        )
    return [
        _rule(path, f"{path.stem} {number}", table) for number, table in enumerate(tables, start=1)
    ]


def _rule(path: Path, default_name: str, table: Mapping[str, Any]) -> Rule:
    for key in table:
        if key not in KEYS:
            raise UsageError(
                _("{path}: there is no key {key}.").format(path=path, key=key),
                hint=did_you_mean(key, KEYS, _("Known: {names}.").format(names=_(", ").join(KEYS))),
            )
    text = {key: _text(path, table, key) for key in ("name", "where", "follows")}
    owner, store = _texts(path, table, "owner"), _texts(path, table, "store")
    if text["follows"] not in ("", ALL, NEWEST):
        raise UsageError(
            _("{path}: follows must be all or newest.").format(path=path),
            hint=_("Leave it out and name an owner to mean one member."),
        )
    choice = Choice(
        Selection(where=text["where"], store=store, owner=owner),
        text["follows"] or ("" if owner else ALL),
    )
    rule = Rule(
        text["name"] or default_name, str(path), choice,
        _list(path, table, "add"), _list(path, table, "remove"),
    )  # fmt: skip
    if not choice.made:
        raise UsageError(_("{path}: a rule needs a condition (where).").format(path=path))
    if not rule.add and not rule.remove:
        raise UsageError(_("{path}: a rule needs tags to add or to remove.").format(path=path))
    return rule


def _text(path: Path, table: Mapping[str, Any], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise UsageError(_("{path}: {key} must be text.").format(path=path, key=key))
    return value


def _texts(path: Path, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """One text, or a list of them: any of these."""
    value = table.get(key, [])
    found = [value] if isinstance(value, str) and value else value or []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise UsageError(
            _("{path}: {key} must be text, or a list of texts.").format(path=path, key=key)
        )
    return tuple(found)


def _list(path: Path, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise UsageError(_("{path}: {key} must be a list of tags.").format(path=path, key=key))
    return tuple(value)
