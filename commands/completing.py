"""Values that the shell may complete: owners, tags, stores, views, marks, from the mirror alone.

Offline and silent: whatever goes wrong, nothing is offered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from storeops.plain import plain

CompletionItems = list[tuple[str, str]]
LISTS = {
    "language": ("en", "zh_CN"),
    "form": ("table", "wide", "json", "ndjson", "csv"),
    "file": ("csv", "xlsx", "ndjson", "parquet"),
}


def completion(key: str) -> Callable[[Any, str], CompletionItems]:
    """A completion function for Typer's `autocompletion=`.

    Args:
        key: owner, tag, store, view, mark, state, group or plan; filter; profile; or a closed
            list: status, way, sort, language, file (kinds of export).
    """

    def complete(ctx: Any, incomplete: str) -> CompletionItems:
        try:
            if key in ("status", "way"):
                return _closed(key, incomplete)
            if key in LISTS:
                return [(each, "") for each in LISTS[key] if each.startswith(incomplete)]
            if key == "profile":
                from storeops import config

                return [
                    (each, "") for each in config.load().profiles if each.startswith(incomplete)
                ]
            if key == "fields":
                return _fields(ctx, incomplete)
            if key == "scope":
                from storeops.sync.scopes import scopes

                return _last_of_several(list(scopes()), incomplete)
            if key == "sort":
                from storeops.reading.query import SORTS

                return [(each, "") for each in SORTS if each.startswith(incomplete)]
            return _known(key, incomplete, ctx)
        except Exception:  # a shell must never see an error while completing
            return []

    return complete


def _fields(ctx: Any, start: str) -> CompletionItems:
    """The fields of the answer of the command that is typed, after those that stand already."""
    from commands.schema import answers

    row = answers().get(ctx.command_path.partition(" ")[2], {}).get("row", {})
    return _last_of_several([name for name in row if name not in ("?", "*")], start)


def _last_of_several(words: list[str], start: str) -> CompletionItems:
    """What the last of several words between commas may be."""
    before, comma, last = start.rpartition(",")
    return [(f"{before}{comma}{word}", "") for word in words if word.startswith(last)]


# what stands for a value in help → what it is completed with
_METAVARS = {
    "USERID": "owner", "STAFF": "owner", "TAG": "tag", "STORE": "store", "PLAN": "plan",
    "CHAT": "group", "GROUP": "tag_group",
}  # fmt: skip
_OPTIONS = {"--marked": "mark", "--scope": "scope", "--fields": "fields"}


def complete_by_metavar(command: Any) -> None:
    """Let every parameter be completed that says by its name what it takes, and nothing more."""
    from typer.core import CompletionItem  # type: ignore[attr-defined]

    def completer(offer: Callable[[Any, str], CompletionItems]) -> Callable[..., list[Any]]:
        return lambda ctx, _parameter, incomplete: [
            CompletionItem(value, help=what) for value, what in offer(ctx, incomplete)
        ]

    for each in command.params:
        if each._custom_shell_complete is not None:
            continue
        key = next((_OPTIONS[name] for name in each.opts if name in _OPTIONS), "")
        word = (each.metavar or "").strip("[].… ")
        if key or word in _METAVARS:
            each._custom_shell_complete = completer(completion(key or _METAVARS[word]))


def _closed(key: str, start: str) -> CompletionItems:
    from storeops.reading.filter_words import CLOSED

    return [(term.slug, term.label) for term in CLOSED[key] if term.slug.startswith(start.lower())]


def _known(key: str, start: str, ctx: Any) -> CompletionItems:
    from storeops.app import App
    from storeops.operations import completion_values as known

    profile = None
    while ctx is not None and not profile:
        profile = ctx.params.get("global_profile")
        ctx = ctx.parent
    app = App.open(profile or None)
    try:
        if key == "filter":
            found = known.filters(app.data, start)
        else:
            found = list(known.values(app.data, key, start))
        # control characters would break the shell's line
        return [(value, plain(what)) for value, what in found if plain(value) == value]
    finally:
        app.close()
