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


# Typer's own script takes the words as readline cut them, at : = and @ too, and quotes nothing.
BASH = r"""_storeops_completion() {
    local IFS=$'\n' rest="${COMP_LINE:0:COMP_POINT}" words=() word='' piece reply sign cut i
    for ((i = 0; i <= COMP_CWORD; i++)); do  # the words as the shell will see them
        piece="${rest#"${rest%%[![:space:]]*}"}"
        if ((i)) && [[ "$rest" == [[:space:]]* ]]; then
            words+=("$word")
            word=''
        fi
        ((i < COMP_CWORD)) && piece="${COMP_WORDS[i]}"
        rest="${rest#"${rest%%[![:space:]]*}"}"
        rest="${rest#"$piece"}"
        word+="$piece"
    done
    words+=("$word")
    COMPREPLY=($(COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) \
        _STOREOPS_COMPLETE=complete_bash "$1"))
    for i in "${!COMPREPLY[@]}"; do
        reply="${COMPREPLY[i]}"
        case "$word" in
            \'*) reply="${reply//\'/\'\\\'\'}" ;;
            \"*) for sign in '\' '"' '$' '`'; do reply="${reply//"$sign"/\\$sign}"; done ;;
            *[\'\"]*) COMPREPLY=(); return ;;
            *)
                for sign in '\' ' ' '"' "'" '#' '$' '&' '(' ')' '*' ';' '<' '>' '?' '[' ']' \
                    '`' '{' '|' '}' '~' '!'; do reply="${reply//"$sign"/\\$sign}"; done
                cut="${word%"${word##*["$COMP_WORDBREAKS"]}"}"
                reply="${reply#"${cut%@}"}"  # readline keeps what is before, and replaces an @
                ;;
        esac
        COMPREPLY[i]="$reply"
    done
    [[ ${#COMPREPLY[@]} == 1 && "${COMPREPLY[0]}" == *: ]] && compopt -o nospace 2> /dev/null
    return 0
}

complete -o default -F _storeops_completion storeops"""
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

    script = BASH
    if shell is not Shell.bash:
        script = get_completion_script(
            prog_name="storeops", complete_var="_STOREOPS_COMPLETE", shell=shell.value
        )
    note(_("To use it: {line}").format(line=HOW[shell]))
    output.line(script)
