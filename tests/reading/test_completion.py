"""Shells complete words and values of the mirror: the functions, and the shells themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storeops.operations import completion_values
from storeops.reading.filter import FilterError, parse

STOREOPS = Path(sys.executable).with_name("storeops")


def words(chain, start):
    return [value for value, _what in completion_values.filters(chain.db, start)]


def test_a_filter_goes_on_with_conditions_and_their_values(chain_home):
    chain = chain_home[1]
    assert "王 status:" in words(chain, "王 st")
    assert "store:" in words(chain, "st")
    assert words(chain, "#金") == ["#金卡"]
    assert words(chain, "王 !#等级/") == ["王 !#等级/金卡", "王 !#等级/银卡"]
    assert "(@guide.1" in words(chain, "(@guide.1")
    assert words(chain, "status:active,lo") == ["status:active,lost"]
    assert words(chain, "way:sc") == ["way:scan", "way:schedule"]
    assert words(chain, "since:last") == ["since:last-week", "since:last-month"]
    assert words(chain, "state:x") == ['state:"x y"'] or words(chain, 'state:"x') == ['state:"x y"']
    assert words(chain, "store:S01") == ["store:S010", "store:S011", "store:S012"]
    assert words(chain, "nothing:") == []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(start=st.text(alphabet='#@! ()",:王金gsto%_\\', max_size=8))
def test_what_is_offered_begins_with_what_was_typed(chain_home, start):
    for value in words(chain_home[1], start):
        assert value.startswith(start)
        if value.endswith(":") or start.count('"') % 2:
            continue
        wrong = _wrong_at(value)
        assert wrong is None or wrong < len(start), "only what stood before may be wrong"


def _wrong_at(text):
    try:
        parse(text)
    except FilterError as error:
        return error.at
    return None


def run(shell, script, home, tmp_path):
    env = {
        **os.environ,
        "STOREOPS_HOME": str(home),
        "STOREOPS_LANG": "en",
        "LC_ALL": "C.UTF-8",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "PATH": f"{STOREOPS.parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        [shell, *(["-f"] if shell == "zsh" else []), "-c", script],
        env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.stdout


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_bash_completes_words_and_values(chain_home, tmp_path):
    """The words as readline cuts them; what comes back replaces the last of them."""
    script = r"""
    eval "$(storeops -q completion bash)"
    COMP_WORDBREAKS=$' \t\n"\'@><=;|&(:'
    try() { COMP_LINE=$1; COMP_POINT=${#1}; shift; COMP_WORDS=(storeops "$@"); COMP_CWORD=$#
            COMPREPLY=(); _storeops_completion storeops; printf '%s|' "${COMPREPLY[@]}"; echo; }
    try 'storeops cust' cust
    l='storeops customer list'
    try "$l --owner guide.1" customer list --owner guide.1
    try "$l --tag 金" customer list --tag 金
    try "$l  --tag=金" customer list --tag = 金
    try "$l --state x" customer list --state x
    try "$l --where '#金" customer list --where "'#金"
    try "$l --where \\#金" customer list --where '\#金'
    try "$l --where @guide.2" customer list --where @guide.2
    try "$l --where store:S01" customer list --where store : S01
    try "$l --where state:" customer list --where state :
    try "$l --where 'state:\"x" customer list --where "'state:\"x"
    try "$l --where \"state:\\\"x" customer list --where '"state:\"x'
    try "$l --where way:sca" customer list --where way : sca
    try "$l --where 'store:S010 way:" customer list --where "'store:S010 way:"
    try "$l --sort n" customer list --sort n
    try 'storeops config get stale' config get stale
    try 'storeops --profile c' --profile c
    try "$l --lang z" customer list --lang z
    try 'storeops profile show ch' profile show ch
    try 'storeops customer export x --format n' customer export x --format n
    """
    lines = run("bash", script, chain_home[0], tmp_path).splitlines()
    ways = lines.pop(13)
    assert ways.startswith("store:S010 way:unknown|store:S010 way:scan|")
    assert lines == [
        "customer|",
        "guide.1|guide.10|guide.11|guide.12|",
        "金卡|",
        "金卡|",
        "x\\ y|",
        "#金卡|",
        "\\#金卡|",
        "@guide.2|",
        "S010|S011|S012|",
        'a\\\'b|expo|store1|store2|\\"x\\ y\\"|',
        'state:"x y"|',
        'state:\\"x y\\"|',
        "scan|",
        "newest|name|",
        "stale_after|",
        "chain|",
        "zh_CN|",
        "chain|",
        "ndjson|",
    ]


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish here")
def test_fish_completes_values(chain_home, tmp_path):
    script = """
    storeops -q completion fish | source
    complete -C 'storeops customer list --tag 金'
    complete -C 'storeops customer list --owner guide.2'
    """
    out = [
        line.split("\t")[0] for line in run("fish", script, chain_home[0], tmp_path).splitlines()
    ]
    assert out == ["金卡", "guide.2"]


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh here")
def test_zsh_is_given_values(chain_home, tmp_path):
    script = """
    compdef() { true }
    eval "$(storeops -q completion zsh)"
    _arguments() { print -rl -- "$@" }
    words=(storeops customer list --tag 金); CURRENT=5
    _storeops_completion
    """
    assert "金卡" in run("zsh", script, chain_home[0], tmp_path)
