"""Options of a command that are called like a global one keep their own meaning everywhere."""

from __future__ import annotations

from commands import main, tree
from commands.options import GLOBALS


def verbs():
    """(words, command) of every command."""
    nouns = main.nouns()
    tree.Root.nouns, tree.Root.groups = nouns, main.GROUPS
    root = tree.Root(name="storeops")
    todo = [((name,), root.get_command(None, name)) for name in nouns]
    while todo:
        words, command = todo.pop()
        inner = getattr(command, "commands", {})
        todo += [((*words, name), each) for name, each in inner.items()]
        if not inner:
            yield words, command


def test_every_option_that_shadows_a_global_one_takes_it_with_a_blank(cli):
    names = {name: each for each in GLOBALS for name in each.names}
    shadows = [
        (words, option, name)
        for words, command in verbs()
        for option in command.params
        for name in option.opts
        if name in names
    ]
    assert {(words, name) for words, _option, name in shadows} >= {
        (("tag", "plan"), "--csv"),
        (("remark", "plan"), "--csv"),
        (("handover", "plan"), "--csv"),
    }
    for words, option, name in shadows:
        value = [] if getattr(option, "is_flag", False) else ["7"]
        wrong = cli(*words, name, *value, "--no-such-option")
        assert wrong.code == 2
        assert wrong.err.startswith("storeops: error:"), (words, name)
        both = cli(*words, name, *value, "--no-such-option", "--json")
        assert both.error["category"] == "usage"
