"""Options that go together, as one parameter: a dataclass whose fields are annotated options.

```python
@app.command("list", help=_("List marks."))
@option_sets
def list_(page: PageOptions = PageOptions(limit=500)) -> None: ...
```
The command is called with one made of what was typed. A default of the parameter gives the options
theirs; without one those of the class hold.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints


def option_sets(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of each dataclass among its parameters, where that stands.

    Args:
        command: takes keywords; its annotations can be evaluated.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    sets: dict[str, tuple[Callable[..., Any], list[str]]] = {}
    for name, each in inspect.signature(command).parameters.items():
        kind: Any = hints[name]
        if not (isinstance(kind, type) and is_dataclass(kind)):
            parameters.append(each.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=kind))
            continue
        sets[name] = kind, [option.name for option in fields(kind)]
        given = kind if each.default is inspect.Parameter.empty else each.default
        options = get_type_hints(kind, include_extras=True)
        parameters += [
            inspect.Parameter(
                option.name, inspect.Parameter.KEYWORD_ONLY,
                default=option.default if given is kind else getattr(given, option.name),
                annotation=options[option.name],
            )
            for option in fields(kind)
        ]  # fmt: skip

    @wraps(command)
    def called(**options: Any) -> None:
        made = {
            name: kind(**{key: options.pop(key) for key in keys})
            for name, (kind, keys) in sets.items()
        }
        command(**made, **options)

    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called
