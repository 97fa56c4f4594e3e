"""A sandbox in a process of its own, and the way in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from storeops.clock import SystemClock
from storeops.limits.memory import MemoryLimiter, MemoryTokenStore
from storeops.wecom.client import WeComClient


@dataclass
class Where:
    """A sandbox: where it is and how to get in."""

    base_url: str
    corp_id: str
    agent_id: str
    secret: str

    def client(self, **how: Any) -> WeComClient:
        clock = how.pop("clock", None) or SystemClock()
        return WeComClient(
            base_url=self.base_url,
            corp_id=self.corp_id,
            agent_id=self.agent_id,
            secret=lambda: self.secret,
            tokens=how.pop("tokens", None) or MemoryTokenStore(clock),
            limiter=how.pop("limiter", None) or MemoryLimiter(clock),
            clock=clock,
        )


@contextmanager
def seeded(**shape: int) -> Iterator[Where]:
    """A sandbox of that shape in a process of its own."""
    words = [sys.executable, "-m", "storeops.sandbox", "--port", "0"]
    words += [f"--{name}={value}" for name, value in shape.items()]
    sandbox = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert sandbox.stdout is not None
        ready = json.loads(sandbox.stdout.readline())
        yield Where(**{each.name: str(ready[each.name]) for each in fields(Where)})
    finally:
        sandbox.terminate()
        sandbox.wait(20)
