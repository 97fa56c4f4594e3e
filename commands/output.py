"""stdout: lists and single things, as a table for people or as JSON, NDJSON, CSV for programs.

A command gathers plain values (dictionaries with WeCom's field names) and says which of them are
the columns of a table; the global options decide the rest.

```python
output.items(
    rows,                                   # iterable of dicts, streamed
    [
        Column("name", _("Name"), max_width=24),
        Column("follows.0.userid", _("Owner")),
        Column("createtime", _("Since"), show=cells.when),
        Column("count", _("Count"), right=True, show=cells.amount),
    ],
    next_=cursor_or_None, has_more=True, complete=True, as_of=unix_seconds_or_None,
    empty=_("No customer matches."),
)
output.item(row, [...])                     # one thing: lines `Name: value`, or its JSON object
output.result({"run_id": 7, ...}, _("Synced {count} customers.").format(count=n))   # an outcome
```

- `--json`: `{"items": […], "next": …, "has_more": …, "complete": …, "as_of": …}`; one thing and an
  outcome are the object itself. `--ndjson`: one item a line. `--csv`: the columns' keys as header
  (not the titles), every key of the first row when `--fields` is not given and `csv_keys` is empty.
- A cut list says so: in the envelope, else in one line on stderr.
- `--save FILE` writes a list to a file for people instead (`commands/saving.py`).
- `--fields a,b.c` picks keys (dots reach inside, numbers index lists); an unknown one is refused
  with the nearest name when the row is known to have it or not (`known_fields` adds optional ones).
- Nothing here interprets markup; control characters never reach a terminal.
- `output.line(text)` prints one line of data (a path, a version). `diagnostics.note` speaks on
  stderr. Never `print` in a command.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TypeVar

from commands import cells, diagnostics, table
from commands.cells import json_text
from commands.context import current
from commands.page_options import PageOptions
from storeops.errors import UsageError
from storeops.i18n import _
from storeops.plain import plain_lines
from storeops.spelling import did_you_mean

Row = Mapping[str, Any]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        key: the field, dots reach inside (`follows.0.userid`).
        title: its heading, translated.
        show: turns the value into text for people; None for `cells.table_cell`.
        right: align right.
        max_width: cells at most; 0 for no bound but the terminal's.
        kind: what it holds, so how it gives way on a narrow terminal (`commands/table.py`); ""
            for what key and `show` say.
        minor: the larger, the sooner it leaves a narrow terminal; 0 for what its kind says, below
            0 the last.
    """

    key: str
    title: str
    show: Callable[[Any], str] | None = None
    right: bool = False
    max_width: int = 0
    kind: str = ""
    minor: int = 0

    def head(self) -> table.Head:
        """Heading and bounds, as `table` takes them."""
        kind = self.kind
        if not kind and self.show in (cells.when, cells.day):
            kind = table.MOMENT
        elif not kind and self.right:
            kind = table.NUMBER
        elif not kind:
            last = self.key.rpartition(".")[2]
            kind = table.SENTENCE if last in _SENTENCES else table.TEXT
            kind = table.WHOLE if _WHOLE.search(self.key) else kind
        return table.Head(self.title, self.right, self.max_width, kind, self.minor)


_SENTENCES = ("why", "reason", "meaning", "next_step", "message", "error", "detail", "hint")
# keys of what is of no use when cut: ids, phone numbers, statuses, addresses
_WHOLE = re.compile(
    r"(?:^|[._])(?:id|ids|status|outcome|phone|mobiles?|url|path|code|errcode)$|(?:user|union|corp|chat)id$"
)


def items(
    rows: Iterable[Row],
    columns: Sequence[Column],
    *,
    next_: str | None = None,
    has_more: bool = False,
    all_again: bool = True,
    complete: bool = True,
    as_of: float | None = None,
    empty: str = "",
    extra: Mapping[str, Any] | None = None,
    known_fields: Sequence[str] = (),
    csv_keys: Sequence[str] = (),
) -> None:
    """Write a list.

    Args:
        rows: dictionaries, read once, in order; memory stays flat but for a JSON envelope.
        columns: the table's columns.
        next_: cursor of the following page (`--after`), None at the end.
        has_more: whether rows were left out.
        all_again: whether `--all` shows this list once more, whole.
        complete: whether the mirror knew all of them.
        as_of: Unix seconds of the mirror's knowledge.
        empty: what to say to a person when there is no row.
        extra: further keys of the JSON envelope.
        known_fields: fields that rows may have though the first one does not.
        csv_keys: keys of CSV when `--fields` is not given.

    Raises:
        UsageError: `--fields` names something that rows do not have.
    """
    settings = current().settings
    rows = _checked(rows, settings.fields, known_fields)
    if settings.save:
        from commands.saving import save

        save(rows, chosen(columns, settings.fields), settings.save, over=settings.over)
    elif settings.format == "json":
        picked = [pick(row, settings.fields) for row in rows]
        envelope = {
            "items": picked,
            "next": next_,
            "has_more": has_more,
            "complete": complete,
            "as_of": cells.iso(as_of),
            **(extra or {}),
        }
        write(json_text(envelope, indent=_indent()) + "\n")
    elif settings.format == "ndjson":
        for row in rows:
            write(json_text(pick(row, settings.fields)) + "\n")
    elif settings.format == "csv":
        _csv(rows, settings.fields or tuple(csv_keys), [each.key for each in columns])
    else:
        columns = chosen(columns, settings.fields)
        shown, gone = table.show(
            (tuple(_cell(row, each) for each in columns) for row in rows),
            [each.head() for each in columns],
            header=settings.header,
            wide=settings.format == "wide" or bool(settings.fields),
        )
        if not shown and empty and not settings.quiet:
            print(diagnostics.named(empty), file=sys.stderr)
        if gone:
            sys.stdout.flush()
            diagnostics.note(
                _("No room for: {columns}; `-o wide` shows them.").format(
                    columns=_(", ").join(gone)
                )
            )
    sys.stdout.flush()  # what stderr says about the rows stands below them
    if has_more and not settings.quiet and settings.format != "json":  # the envelope says it
        print(_more(next_, whole=all_again), file=sys.stderr)


def chosen(columns: Sequence[Column], fields: Sequence[str]) -> Sequence[Column]:
    """The columns for these fields, in their order; all of them when none is named."""
    titles = {each.key: each for each in columns}
    return [titles.get(key, Column(key, key)) for key in fields] if fields else columns


def paged(
    rows: Iterable[Row],
    columns: Sequence[Column],
    *,
    page: PageOptions,
    **about: Any,
) -> None:
    """Write the part of a list that was asked for; its cursor is the number of rows before it.

    Args:
        rows: the whole list, in an order that stays; read as far as needed.
        columns: the table's columns.
        page: which part of the list.
        about: further arguments of `items`.

    Raises:
        UsageError: its cursor is none of this list.
    """
    rest = islice(rows, page.start, None)
    if page.all_:
        items(rest, columns, **about)
        return
    found = list(islice(rest, page.wanted))
    more = len(found) > page.limit
    next_ = str(page.start + page.limit) if more else None
    items(found[: page.limit], columns, next_=next_, has_more=more, **about)


def newest(
    found: Sequence[Item],
    row: Callable[[Item], Row],
    number: Callable[[Item], int],
    columns: Sequence[Column],
    *,
    page: PageOptions,
    **about: Any,
) -> None:
    """Write a list that grows at its beginning; its cursor is the number of the last row.

    Args:
        found: newest first, below `page.before`; `page.wanted` of them when more follow.
        row: what is written of one.
        number: by which it is found again; falls from row to row.
        columns: the table's columns.
        page: which part of the list.
        about: further arguments of `items`.
    """
    shown = found[: page.size]
    more = len(found) > len(shown)
    next_ = str(number(shown[-1])) if more else None
    items(map(row, shown), columns, next_=next_, has_more=more, **about)


def _more(next_: str | None, *, whole: bool = True) -> str:
    """How to see what a list left out, by options that the command has."""
    offered = current().options
    ways = ["--all"] if whole and "--all" in offered else []
    if next_ and "--after" in offered:
        ways.append(f"--after {next_}")
    elif not ways and "--limit" in offered:
        ways.append("--limit N")
    if not ways:
        return _("More rows follow.")
    return _("More rows follow: add {options}.").format(options=_(" or ").join(ways))


def item(row: Row, lines: Sequence[Column], *, known_fields: Sequence[str] = ()) -> None:
    """Write one thing: `Title: value` lines for people, its object for programs.

    Raises:
        UsageError: `--fields` names something that it does not have.
    """
    settings = current().settings
    row = next(iter(_checked([row], settings.fields, known_fields)))
    if settings.format == "json":
        write(json_text(pick(row, settings.fields), indent=_indent()) + "\n")
    elif settings.format == "ndjson":
        write(json_text(pick(row, settings.fields)) + "\n")
    elif settings.format == "csv":
        _csv([row], settings.fields)
    else:
        if settings.fields:
            titles = {each.key: each for each in lines}
            lines = [titles.get(key, Column(key, key)) for key in settings.fields]
        table.pairs([(each.title, _cell(row, each)) for each in lines])
    sys.stdout.flush()


def result(outcome: Row, text: str = "", *, fields: Sequence[str] | None = None) -> None:
    """Write the outcome of a command: a sentence for people, the object for programs.

    Args:
        outcome: the object.
        text: the sentence; "" for none.
        fields: keys to show instead of those of `--fields`, where that means something else.
    """
    settings = current().settings
    chosen = settings.fields if fields is None else fields
    if settings.format == "json":
        write(json_text(pick(outcome, chosen), indent=_indent()) + "\n")
    elif settings.format == "ndjson":
        write(json_text(pick(outcome, chosen)) + "\n")
    elif settings.format == "csv":
        _csv([outcome], chosen)
    elif text:
        write(plain_lines(diagnostics.named(text)) + "\n")
    sys.stdout.flush()


def done(outcome: Row, text: str) -> None:
    """Write the outcome of what cron runs: with `--quiet` nothing for people, so that no mail goes.

    Trouble is an error or a note on stderr, and says so all the same.
    """
    if current().settings.machine or not current().settings.quiet:
        result(outcome, text)


def line(text: str) -> None:
    """Write one line of data as it is, but for control characters."""
    write(plain_lines(text) + "\n")


def heading(text: str) -> None:
    """Write one line for people, bold on a terminal."""
    write(table.bold(plain_lines(text)) + "\n")


def write(text: str) -> None:
    """Write text to stdout; callers have made it safe."""
    sys.stdout.write(text)


def pick(row: Row, fields: Sequence[str]) -> Row:
    """The chosen fields of a row, the whole row when none is chosen."""
    return {name: reach(row, name) for name in fields} if fields else row


_MISSING = object()


def reach(row: Any, path: str, default: Any = None) -> Any:
    """The value at a dotted path; a list in between gives the list of what its members have."""
    value = row
    for index, part in enumerate(path.split(".")):
        if isinstance(value, Mapping):
            if part not in value:
                return default
            value = value[part]
        elif isinstance(value, list | tuple):
            if part.isdigit():
                value = value[int(part)] if int(part) < len(value) else None
            else:
                rest = ".".join(path.split(".")[index:])
                found = [reach(each, rest, default) for each in value]
                return default if found and all(each is default for each in found) else found
        else:
            return None if value is None else default
    return value


def _checked(rows: Iterable[Row], fields: Sequence[str], known: Sequence[str]) -> Iterator[Row]:
    """The rows again, after the first one has shown that the fields exist."""
    iterator = iter(rows)
    first = list(islice(iterator, 1))
    if first and fields:
        for name in fields:
            if name not in known and reach(first[0], name, _MISSING) is _MISSING:
                raise _unknown_field(name, [*first[0], *known])
    elif fields:  # without a row, what `storeops schema` says of them
        from commands.schema import answers

        row = answers().get(current().path, {}).get("row", {})
        for name in fields if row and "*" not in row else ():
            if name.partition(".")[0] not in (*row, *known):
                raise _unknown_field(name, [*(each for each in row if each != "?"), *known])
    return chain(first, iterator)


def _unknown_field(name: str, names: Sequence[str]) -> UsageError:
    return UsageError(
        _("There is no field {name}.").format(name=name),
        hint=" ".join(
            filter(
                None,
                (
                    did_you_mean(name, names, ""),
                    _("Fields: {names}.").format(names=_(", ").join(dict.fromkeys(names))),
                ),
            )
        ),
    )


def _cell(row: Row, column: Column) -> str:
    value = reach(row, column.key)
    if column.show is not None and value is not None:
        return cells.table_cell(column.show(value))
    return cells.table_cell(value)


def _csv(rows: Iterable[Row], keys: Sequence[str], columns: Sequence[str] = ()) -> None:
    """Rows under the line of their keys; without rows, of those that they would have.

    Args:
        rows: read once.
        keys: which, in order; those of the first row when none is named.
        columns: keys of the table, for a list without rows of which nothing else is known.
    """
    import csv  # 2 ms, only for --csv

    settings = current().settings
    writer = csv.writer(sys.stdout, lineterminator="\r\n")
    if settings.bom:
        write("\ufeff")
    headed = False
    for row in rows:
        keys = keys or list(row)
        if not headed and settings.header:
            writer.writerow([cells.csv_cell(key) for key in keys])
        headed = True
        writer.writerow([cells.csv_cell(reach(row, key)) for key in keys])
    keys = keys or list(dict.fromkeys(columns))
    if not headed and keys and settings.header:
        writer.writerow([cells.csv_cell(key) for key in keys])


def _indent() -> int | None:
    """JSON is indented for a person at a terminal, one line in a pipe."""
    return 2 if sys.stdout.isatty() else None
