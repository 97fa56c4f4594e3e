"""How to come to every window: the screen to begin with, the keys, what opens."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module

import tui.modals
import tui.screens
from tui.modals.base import BaseModal


@dataclass(frozen=True, slots=True)
class Way:
    """The way to a window, or to a pane that is unfolded.

    Attributes:
        screen: to begin with.
        keys: pressed there.
        opens: name of the class of the window; "" when it is a pane.
    """

    screen: str
    keys: tuple[str, ...]
    opens: str


PLAIN = {
    "help": Way("customers", ("question_mark",), "HelpModal"),
    "menu": Way("customers", ("f10",), "MenuModal"),
    "go": Way("customers", ("colon",), "GoModal"),
    "card": Way("customers", ("enter",), "TextModal"),
    "command": Way("customers", ("x",), "CommandModal"),
    "columns": Way("customers", ("c",), "ColumnsModal"),
    "views": Way("customers", ("w",), "ViewsModal"),
    "export": Way("customers", ("e",), "FileModal"),
    "note": Way("customers", ("n",), "NoteModal"),
    "jump": Way("customers", ("g",), "JumpModal"),
    "facets": Way("customers", ("f",), ""),
    "quit": Way("today", ("q",), "AskModal"),
    "fault": Way("sandbox", ("a",), "FaultModal"),
    "store": Way("stores", ("enter",), "TextModal"),
    "run": Way("sync", ("enter",), "TextModal"),
    "member": Way("handover", ("m",), "MemberModal"),
}
LEDGER = {  # with drafts, plans and jobs
    "tag": Way("customers", ("t",), "TagsModal"),
    "remark": Way("customers", ("r",), "RemarkModal"),
    "apply": Way("plans", ("down", "ctrl+s"), "CountModal"),
    "plan": Way("plans", ("down", "i"), "TextModal"),
    "file": Way("plans", ("down", "e"), "FileModal"),
    "job": Way("jobs", ("enter",), "TextModal"),
    "choose": Way("jobs", ("c",), "ChooseModal"),
    "proof": Way("audit", ("V",), "TextModal"),
    "terms": Way("handover", ("o",), "HandoverModal"),
}


def all_windows() -> set[str]:
    """Names of the classes of all windows of the application."""
    for package in (tui.modals, tui.screens):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)

    def below(kind: type) -> set[type]:
        return {kind}.union(*(below(each) for each in kind.__subclasses__()))

    return {
        kind.__name__
        for kind in below(BaseModal) - {BaseModal}
        if kind.__module__.startswith("tui.")
    }


async def press_all(driver) -> list[str]:
    """Press every key that the window on top binds; fails on one that does not reach its action.

    Returns:
        the keys.
    """
    window = driver.app.screen
    wanted = [
        (key, binding.action.partition("(")[0])
        for kind in type(window).__mro__
        if kind.__module__.startswith("tui.modals.")
        for bound in kind.__dict__.get("BINDINGS", ())
        for binding in bound.make_bindings([bound])
        for key in [binding.key]
    ]
    called: list[str] = []
    for action in {action for _key, action in wanted}:
        # only noted, so that the window stays for the next key
        setattr(window, f"action_{action}", lambda *_args, action=action: called.append(action))
    for key, action in wanted:
        called.clear()
        await driver.press(key)
        assert called == [action], (type(window).__name__, key, called)
    return [key for key, _action in wanted]
