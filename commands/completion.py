"""`storeops completion`: scripts for the shell, made offline by Typer's own machinery."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from commands import output
from commands.diagnostics import note
from storeops.i18n import _

app = typer.Typer(help=_("Shell completion for bash, zsh, fish."))


class Shell(StrEnum):
    """Shells that can complete."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


BASH_SPACES = """    case "${COMP_WORDS[COMP_CWORD]}" in
        [\\"\\']*) ;;
        *) COMPREPLY=( "${COMPREPLY[@]// /\\\\ }" ) ;;
    esac
"""
HOW = {
    Shell.bash: 'eval "$(storeops completion bash)"   # ~/.bashrc',
    Shell.zsh: 'eval "$(storeops completion zsh)"   # ~/.zshrc, after compinit',
    Shell.fish: "storeops completion fish > ~/.config/fish/completions/storeops.fish",
}


@app.command("completion", help=_("Print the completion script of a shell."))
def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help=_("bash, zsh or fish."))],
) -> None:
    """Print the script; how to install it goes to stderr."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    script = get_completion_script(
        prog_name="storeops", complete_var="_STOREOPS_COMPLETE", shell=shell.value
    )
    if shell is Shell.bash:  # a name with a space is one word, unless quotes are open already
        script = script.replace("    return 0\n", BASH_SPACES + "    return 0\n")
    note(_("To use it: {line}").format(line=HOW[shell]))
    output.line(script)
