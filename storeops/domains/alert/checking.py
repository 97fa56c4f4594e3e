"""Looking: every kind by its rule, one process at a time, and what is new is handed to senders."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storeops import paths
from storeops.domain import guarded, load, registry
from storeops.domains.alert import state
from storeops.domains.alert.rules import AlarmRule
from storeops.domains.alert.state import AlarmChanges
from storeops.errors import ConflictError
from storeops.file_lock import try_lock
from storeops.i18n import _, labelled, ngettext
from storeops.operations.alarms import Alarm
from storeops.os_errors import explain_os
from storeops.private_file import open_own

if TYPE_CHECKING:
    from storeops.operations.events import EventWiring

LINES = 20  # of one message; more are counted


@dataclass(frozen=True, slots=True)
class AlarmLook:
    """What one look found.

    Attributes:
        changes: what it changed.
        unknown: kind → why it could not be told; its alarms stay as they are.
        unsent: target → why nothing could be handed to it; it is tried again.
    """

    changes: AlarmChanges
    unknown: dict[str, str]
    unsent: dict[str, str]


def look(
    app: EventWiring, rules: Iterable[AlarmRule]
) -> tuple[dict[str, tuple[AlarmRule, list[Alarm]]], dict[str, str]]:
    """What is wrong now, and kind → why it cannot be told. Keeps nothing."""
    found: dict[str, tuple[AlarmRule, list[Alarm]]] = {}
    unknown: dict[str, str] = {}
    for rule in rules:
        if not rule.enabled:
            found[rule.name] = (rule, [])
            continue
        with guarded(rule.domain) as part:
            each = {alarm.key: alarm for alarm in rule.kind.find(app, rule.settings)}
            found[rule.name] = (rule, list(each.values()))
        if part.reason:
            unknown[rule.name] = part.reason
    return found, unknown


def check(app: EventWiring, rules: Iterable[AlarmRule]) -> AlarmLook:
    """Look, keep what changed, hand over what is to be sent.

    Raises:
        ConflictError: another process looks just now.
    """
    path = paths.profile_dir(app.profile.name) / ".alert.lock"
    try:
        handle = open_own(path, os.O_RDWR)
    except OSError as error:
        raise explain_os(error, path) or error from error
    try:
        if not try_lock(handle):
            raise ConflictError(
                _("Another process looks for alarms just now."),
                hint=_("`storeops alert list` shows what it found."),
            )
        now, rules = app.clock.now(), list(rules)
        last = state.looked_at(app.data)
        due = [
            rule for rule in rules
            if not 0 <= now - last.get(rule.name, 0.0) < rule.kind.every_s
        ]  # fmt: skip
        found, unknown = look(app, due)
        changes = state.apply(app.data, found, app.clock.now())
        if state.unsent(app.data):
            # a kind whose file is not there (others were named, another folder) asks for nothing
            state.withdraw(app.data, {rule.name: rule.to for rule in rules if rule.file})
        return AlarmLook(changes, unknown, _send(app))
    finally:
        os.close(handle)


def _send(app: EventWiring) -> dict[str, str]:
    """Hand notices to senders: those of one target as one message, under a number of its own.

    A sender that takes the same number twice sends it once; so nothing is lost when we die here.
    """
    waiting: dict[str, list[tuple[int, int, str]]] = {}
    for number, alert, what, target in state.unsent(app.data):
        waiting.setdefault(target, []).append((number, alert, what))
    if not waiting:
        return {}
    senders = registry().named("senders")
    failed = {}
    for target, notices in waiting.items():
        way, _colon, name = target.partition(":")
        if way not in senders:
            failed[target] = _("nothing that is installed sends by {way}").format(way=way)
            continue
        domain, where = senders[way]
        with guarded(domain) as part:
            sender: Any = load(where)
            sender(app, name, message(app, notices), f"alert-{target}-{notices[-1][0]}")
            state.note_sent(app.data, [each[0] for each in notices], app.clock.now())
        if part.reason:
            failed[target] = part.reason.rstrip(".。")  # a clause of the sentence that names it
    return failed


def message(app: EventWiring, notices: list[tuple[int, int, str]]) -> str:
    """Many alarms as one text: what each says, and what to do."""
    over = _("over")
    lines = []
    for _number, alert, what in notices[:LINES]:
        text, step = state.get(app.data, alert).words()
        lines.append(labelled(over, text) if what == "cleared" else f"{text} {step}".rstrip())
    left = len(notices) - len(lines)
    if left:
        lines.append(
            ngettext("{count} more alarm stands.", "{count} more alarms stand.", left).format(
                count=left
            )
        )
    return "\n".join(lines)
