"""Small TOML files that only their owner may read, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def write_private(path: Path, data: dict[str, Any]) -> None:
    """Write a TOML file 0600: aside first, then renamed; a crash keeps the old one.

    Raises:
        OSError: it cannot be written.
    """
    import tomli_w  # 3 ms, only when something is written

    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(tomli_w.dumps(data).encode())
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
