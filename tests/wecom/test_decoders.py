"""Many threads meet the first answer of an API at once: unguarded, msgspec crashes the process."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys, threading
from dataclasses import dataclass
from storeops.wecom.envelope import Response, open_envelope

def shape(number):
    @dataclass(frozen=True, slots=True)
    class Row:
        name: str = ""
        number: int = 0
        tags: tuple[str, ...] = ()

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Page(Response):
        rows: tuple[Row, ...] = ()
        info: Row | None = None

    return Page

sys.setswitchinterval(1e-6)
body = b'{"errcode":0,"errmsg":"ok","rows":[{"name":"x","tags":["y"]}],"info":{}}'
shapes = [shape(number) for number in range(200)]
ready = threading.Barrier(6)
found = []

def work():
    for each in shapes:
        ready.wait()
        found.append(open_envelope(body, each))

threads = [threading.Thread(target=work) for _ in range(6)]
for each in threads:
    each.start()
for each in threads:
    each.join()
assert len(found) == 1200 and not any(each.problem for each in found)
"""


def test_threads_that_decode_the_first_answer_together() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
