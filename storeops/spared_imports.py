"""Libraries without those of their parts that they can do without, and that nobody here asks for.

`httpx` imports rich, click and pygments for a command line of its own, `sqlite_utils` imports
numpy for the types of its columns; both go on where these are missing.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Hiding(threading.local):
    """A finder of modules that says of some, in the thread that spares them, that they are not."""

    names: frozenset[str] = frozenset()

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name in self.names:
            raise ModuleNotFoundError(f"{name} is spared", name=name)


_HIDING = _Hiding()


@contextmanager
def spared(*names: str) -> Iterator[None]:
    """Import within as if the modules `names` were not installed.

    What is loaded already stays, and other threads import as ever.
    """
    if _HIDING not in sys.meta_path:  # it stays: another thread may be going through the finders
        sys.meta_path.insert(0, _HIDING)
    before = _HIDING.names
    _HIDING.names = before | set(names)
    try:
        yield
    finally:
        _HIDING.names = before
