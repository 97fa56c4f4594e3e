"""What a terminal sends and gets: pastes hold no keys, and a redirected stderr blanks nothing."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events

from tests.tui.pseudo import read_until
from tui.terminal import BEGIN, END, SHOWN, PasteParser, Pastes

# text a stranger may have written: plain, escapes, pieces of the marks, whole sequences
BITS = st.sampled_from(
    ["\x1b", "\x1b[", "\x1b[20", "\x1b[201", "[201~", BEGIN, "\x1b[31m", "\x1b[A", "q", "王", "\r"]
)
PASTED = st.lists(BITS, max_size=12).map("".join).filter(lambda text: END not in text)
TYPED = st.sampled_from(["", "q", "\x1b", "\x1b[A", "\x1b[<0;3;4M", "\x1b[20", "王", "\x13"])


def cut(text, places):
    """`text` in pieces."""
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[low:high] for low, high in pairwise(ends)]


@given(TYPED, PASTED, TYPED, st.lists(st.integers(0, 200), max_size=8))
def test_however_it_is_cut_no_escape_is_left_in_a_paste(before, pasted, after, places):
    if before.endswith(("\x1b", "\x1b[20")):
        before += "x"  # else the keys would be part of the mark
    sent = before + BEGIN + pasted + END + after
    pastes = Pastes()
    got = "".join(pastes.clean(piece) for piece in cut(sent, places))
    assert got == before + BEGIN + pasted.replace("\x1b", SHOWN) + END + after


@given(st.lists(TYPED, max_size=6))
def test_what_is_typed_is_never_held_back(typed):
    pastes = Pastes()
    for piece in typed:
        assert pastes.clean(piece) == piece


@pytest.mark.parametrize("text", ["a\x1bqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "\x1b\x13\x1b[Aq"])
@pytest.mark.parametrize("size", [1, 7, 500])
def test_a_paste_is_one_text_and_no_key(text, size):
    sent = BEGIN + text + END + "j"
    parser = PasteParser()
    got = []
    for at in range(0, len(sent), size):
        got += parser.feed(sent[at : at + size])
    assert [type(each) for each in got] == [events.Paste, events.Key]
    assert got[0].text == text.replace("\x1b", SHOWN)
    assert got[1].key == "j"


def test_it_draws_although_stderr_is_a_file(box, tmp_path):
    ours, theirs = pty.openpty()
    environment = {**os.environ, "STOREOPS_LANG": "en", "TERM": "xterm-256color"}
    environment.update(LINES="24", COLUMNS="100")
    errors = tmp_path / "errors.txt"
    with errors.open("wb") as aside:
        process = subprocess.Popen(
            [sys.executable, "-m", "storeops", "-p", "box", "tui"],
            stdin=theirs, stdout=theirs, stderr=aside, env=environment, start_new_session=True,
        )  # fmt: skip
    out = bytearray()

    def until(wanted):
        return read_until(ours, wanted, out)

    try:
        assert until(b"Today"), bytes(out[-500:])
        # two letters that leave, hidden in a paste behind an ESC: they do nothing
        os.write(ours, b"\x1b[200~\x1b" + b"q" * 40 + b"\x1b[201~")
        os.write(ours, b"2")
        assert until(b"No customer was read yet"), bytes(out[-500:])
        assert b"Leave storeops?" not in out
        os.write(ours, b"q")
        assert until(b"Leave storeops?"), bytes(out[-500:])
        os.write(ours, b"q")
        assert until(b"\x1b[?1049l"), bytes(out[-500:])
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(theirs)
        os.close(ours)
    assert errors.read_bytes() == b""


@pytest.mark.parametrize("name", ["nope", "Today", "sandbox", "\x1b[31m"])
def test_an_unknown_screen_is_named_with_all_there_are(cli, box, name):
    answer = cli("-p", "box", "tui", "--screen", name)
    assert answer.code == 2
    assert "no screen called" in answer.err
    assert "today, customers, staff, stores, tags, groups, sync, plans, jobs" in answer.err
    assert "\x1b" not in answer.err


@pytest.mark.parametrize(("screen", "fits"), [("customers", True), ("staff", False)])
def test_a_filter_goes_with_the_customers_only(cli, box, screen, fits):
    answer = cli("-p", "box", "tui", "--screen", screen, "--where", "王")
    assert answer.code == 2  # here is no terminal
    assert ("needs a terminal" in answer.err) is fits
    assert ("--where filters customers" in answer.err) is not fits
