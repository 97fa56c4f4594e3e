"""Compile the catalogues: every room's .po of a language into one storeops.mo.

Run by `make messages` and by the build hook; needs Babel (a build and development dependency).
"""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).parent


def compile_all() -> dict[str, int]:
    """Compile every language; returns the number of messages per language.

    Raises:
        ValueError: two rooms translate the same id differently, or a .po cannot be read.
    """
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    counts: dict[str, int] = {}
    for folder in sorted(each for each in HERE.iterdir() if any(each.glob("*.po"))):
        merged = Catalog(locale=folder.name, domain="storeops")
        for source in sorted(folder.glob("*.po")):
            with source.open("rb") as handle:
                catalogue = read_po(handle, locale=folder.name, abort_invalid=True)
            for message in catalogue:
                if not message.id or not message.string:
                    continue
                known = merged.get(message.id, context=message.context)
                if known is not None and known.string != message.string:
                    raise ValueError(
                        f"{source.name}: {message.id!r} is {message.string!r} here "
                        f"and {known.string!r} in another room"
                    )
                merged.add(message.id, message.string, context=message.context)
        target = folder / "LC_MESSAGES" / "storeops.mo"
        target.parent.mkdir(exist_ok=True)
        # several builds may run at once: write aside, then rename
        scratch = target.with_suffix(f".{os.getpid()}.tmp")
        with scratch.open("wb") as handle:
            write_mo(handle, merged)
        scratch.replace(target)
        counts[folder.name] = len(merged)
    return counts


if __name__ == "__main__":
    for name, count in compile_all().items():
        print(f"{name}: {count} messages")
