"""What a kind of alarm is: domains bring theirs by name, the domain `alert` looks and remembers.

```python
def find(app, settings):                     # what is wrong now; nothing when all is well
    if too_many(app.data) > settings["most"]:
        yield Alarm(values={"count": 7})

TOO_MANY = AlarmKind(
    title=N_("Too many"), settings={"most": 5}, find=find,
    describe=lambda values: (_("{count} are too many.").format(**values), "storeops status"),
)
```
It is named in `Domain.alarms`. An alarm is raised once, again when its rank grows, and cleared when
`find` does not yield it any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that is wrong now.

    Attributes:
        key: of what: the same as long as it is the same trouble; "" where there is only one.
        tone: warn | bad.
        rank: grows when it gets worse; then it is raised again.
        values: what `describe` needs, JSON types; no phone numbers, no secrets.
        sure: False where it cannot be told now: what stands stays, and nothing new is raised.
    """

    key: str = ""
    tone: str = "warn"
    rank: int = 1
    values: Mapping[str, Any] = field(default_factory=dict)
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmKind:
    """One kind of alarm.

    Attributes:
        title: what it is about, in English, translated when shown.
        find: function(app, settings) → alarms; a `StoreOpsError` means that it cannot be told now.
        describe: function(values) → (sentence, command that deals with it), for the reader.
        settings: name → default: a whole number, a duration ("24h") or a list of whole numbers.
        every_s: seconds between two looks, for what costs time or calls.
        on_today: shown on Today; False for what the morning says in its own words.
    """

    title: str
    find: Callable[[Any, Mapping[str, Any]], Iterable[Alarm]]
    describe: Callable[[Mapping[str, Any]], tuple[str, str]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    every_s: float = 0.0
    on_today: bool = True
