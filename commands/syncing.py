"""A sync under the eyes of a person, or of nobody: bars, what holds it back, how long it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commands.context import current
from commands.diagnostics import note
from commands.progress import Bars
from commands.sync import HELD, scope_title
from storeops.durations import span
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.app import App
    from storeops.sync.results import Progress, SyncResult

LONG = ("pause", "minute", "hour")  # what can last a minute and more


def sync_with_bars(
    app_: App,
    shown: Bars,
    *,
    scopes: list[str] | None = None,
    full: bool = False,
    store: str = "",
    stop: Any = None,
) -> SyncResult:
    """Run a sync and draw a bar per scope (also used by `storeops demo`).

    Where nobody watches (cron, a pipe), a pause or a full window is said once per scope and cause,
    so that an hour of silence is explained.

    Raises:
        PolicyError: a back office, which has no secret.
        ConfigError: the profile has no secret, or it lies open; nothing was begun.
    """
    from storeops import secrets
    from storeops.sync.run import run_sync

    app_.must_ask_wecom()
    secrets.get(app_.profile.name)  # else every scope would fail of it, with a network's hint
    said: set[tuple[str, str]] = set()

    def ask(scope: str) -> str:
        why, text = what_holds_back(app_, scope)
        if why in LONG and (scope, why) not in said:
            said.add((scope, why))
            if not shown.watched and not current().settings.machine:
                title = scope_title(scope)
                note(_("{subjects}: {message}").format(subjects=title, message=text))
        return text

    def show_progress(progress: Progress) -> None:
        # a process that joined another's run asks for itself
        held = ask(progress.scope) if progress.phase == "wait" else progress.held_back
        title = scope_title(progress.scope)
        if progress.phase == "index":
            title = _("{scope}: building indexes").format(scope=title)
        elif progress.phase == "wait":
            title = _("{scope} (another sync runs; joined)").format(scope=title)
        shown.show(
            progress.scope,
            title,
            done=progress.done,
            total=progress.total,
            rate=progress.rate,
            left_s=left_s(app_, progress, held),
            held_back=held,
        )

    return run_sync(
        app_,
        scopes=scopes,
        full=full,
        store=store_department(app_, store) if store else None,
        on_progress=show_progress,
        stop=stop,
        held_back=ask,
    )


def store_department(app_: App, text: str) -> int:
    """The department of a shop that a person named by code, name or number."""
    from storeops.reading.customers import names_of

    return names_of(app_.data).find_store(text)


def left_s(app_: App, progress: Progress, held: str) -> float | None:
    """Seconds left by the limits while something holds the scope back; None: its rate tells."""
    if not held:
        return None
    from storeops.sync.scopes import scopes
    from storeops.sync.under_way import calls_left

    calls = calls_left(progress.scope, progress.done, progress.total)
    path = scopes()[progress.scope].path
    return None if calls is None else app_.governor.estimate(path, calls).seconds


def what_holds_back(app_: App, scope: str) -> tuple[str, str]:
    """What holds a scope back now (pause | minute | hour | pool | in_flight), and in words."""
    from storeops.sync.scopes import scopes

    for use in app_.governor.snapshot():
        if use.path == scopes()[scope].path and use.held_by:
            text = _(HELD[use.held_by])
            if use.paused_s:
                text += " " + _("for {time}").format(time=span(use.paused_s))
            return use.held_by, text
    return "", ""
