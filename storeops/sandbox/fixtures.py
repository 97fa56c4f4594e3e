"""Where the data files of the demo chain lie: in the package, or beside the checkout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def load(name: str) -> Any:
    """Parse one JSON fixture; FileNotFoundError names both places that were tried."""
    package = Path(__file__).resolve().parent.parent
    # An editable install does not place force-included files, so the checkout comes second.
    places = [package / "_fixtures" / name, package.parent / "fixtures" / name]
    for place in places:
        if place.is_file():
            return json.loads(place.read_text(encoding="utf-8"))
    raise FileNotFoundError(f"{name} is in neither of {places[0]} and {places[1]}")
