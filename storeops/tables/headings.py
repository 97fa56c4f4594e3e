"""Which row holds the headings, and what each column means; nothing is guessed into texts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storeops.errors import UsageError
from storeops.i18n import _
from storeops.spelling import did_you_mean, nearest
from storeops.tables.rows import RawRow
from storeops.tables.typed import word

SEARCHED = 10  # rows from the top


@dataclass(frozen=True, slots=True)
class Field:
    """One column that a planner understands.

    Attributes:
        name: its key, WeCom's field name.
        aliases: other headings it is known by, lower case.
        example: a cell of the template.
        guess: whether a heading alone is enough; texts that are written to WeCom are only taken
            when the person says so (`--column 备注=remark`), or fills in the template.
        key: it names what a row is about; a row of headings has one.
    """

    name: str
    aliases: tuple[str, ...] = ()
    example: str = ""
    guess: bool = True
    key: bool = False


@dataclass(frozen=True, slots=True)
class Headings:
    """The headings of a table.

    Attributes:
        row: number of their (last) row.
        index: its place among the rows that were searched.
        names: heading by column.
        columns: column by field name.
        optional: heading by field name, of fields that are only taken when asked for.
    """

    row: int
    index: int
    names: Mapping[int, str]
    columns: Mapping[str, int]
    optional: Mapping[str, str]


def find(
    rows: Sequence[RawRow],
    fields: Sequence[Field],
    mapping: Mapping[str, str],
    *,
    header_row: int = 0,
) -> Headings | None:
    """The headings among the first rows of a table; None when no row names customers.

    The row with the most headings that are understood; a heading that spans two rows counts in
    the lower one, and a second row of headings is skipped.

    Args:
        rows: the first rows.
        fields: what can be understood.
        mapping: heading → field name, "" to switch the heading off.
        header_row: number of the row that holds them; 0 to look for it.

    Raises:
        UsageError: two headings mean the same.
    """
    best: tuple[int, int] | None = None
    for index, row in enumerate(rows):
        if header_row and row.number != header_row:
            continue
        known = set(_meanings(_names(rows, index), fields, mapping).values())
        named = any(each.key for each in fields if each.name in known)
        if named and (best is None or len(known) > best[0]):
            best = (len(known), index)
    if best is None:
        return None
    index = best[1]
    names = _names(rows, index)
    columns: dict[str, int] = {}
    for column, name in _meanings(names, fields, mapping).items():
        if name in columns:
            raise UsageError(
                _("The headings {first} and {second} both mean {name}.").format(
                    first=names[columns[name]], second=names[column], name=name
                ),
                hint=_("Say which one counts: --column HEADING={name}").format(name=name),
            )
        columns[name] = column
    unasked = {
        each.name: names[column]
        for each in fields
        if not each.guess and each.name not in columns
        for column in sorted(names, reverse=True)
        if names[column].lower() in (each.name, *each.aliases) and names[column] not in mapping
    }
    words = _words(fields)
    while index + 1 < len(rows):
        more = {key: word(text).lower() for key, text in rows[index + 1].cells.items()}
        texts = {key: text for key, text in more.items() if text}
        if not texts or any(text not in words for text in texts.values()):
            break
        index += 1
    return Headings(rows[index].number, index, names, columns, unasked)


def _names(rows: Sequence[RawRow], index: int) -> dict[int, str]:
    """Heading by column: of this row, else of the one above where a heading spans both."""
    found = {column: word(text) for column, text in rows[index].cells.items()}
    if index:
        for column, text in rows[index - 1].cells.items():
            if not found.get(column):
                found[column] = word(text)
    return {column: text for column, text in sorted(found.items()) if text}


def _words(fields: Sequence[Field]) -> dict[str, Field]:
    return {text: each for each in fields for text in (each.name, *each.aliases)}


_BESIDE = re.compile(r"\*|\((?:件|个|盒|瓶|袋|元|年月日|日期|必填|选填)\)|[\s:]+")


def loosely(text: str) -> str:
    """A heading without what forms put beside it; 编码, 代码 and 编号 say the same."""
    plain = _BESIDE.sub("", text.lower())
    return plain.replace("编码", "编号").replace("代码", "编号").replace("代号", "编号")


def _meanings(
    names: Mapping[int, str], fields: Sequence[Field], mapping: Mapping[str, str]
) -> dict[int, str]:
    """Field name by column."""
    words = _words(fields)
    told = set(mapping.values())
    known = [words[text.lower()].name for text in names.values() if text.lower() in words]
    # every heading of the template and no other: it was filled in to be written
    filled_in = sorted(known) == sorted(each.name for each in fields) and len(known) == len(names)
    found: dict[int, str] = {}
    for column, text in names.items():
        if text in mapping:
            if mapping[text]:
                found[column] = mapping[text]
            continue
        field = words.get(text.lower())
        if field is not None and (field.guess or filled_in) and field.name not in told:
            found[column] = field.name
    loose = {loosely(text): each for text, each in words.items() if each.guess}
    exact = {*found.values(), *told}
    for column, text in names.items():
        field = loose.get(loosely(text))
        if (
            field is not None and column not in found and text not in mapping
            and text.lower() not in words and field.name not in exact
        ):  # fmt: skip
            found[column] = field.name
    return found


def check_mapping(
    mapping: Mapping[str, str], fields: Sequence[Field], names: Sequence[str], source: str
) -> None:
    """Refuse a mapping of a heading or to a field that there is not.

    Raises:
        UsageError: with the nearest name.
    """
    known = {each.name for each in fields}
    for text, name in mapping.items():
        if name and name not in known:
            raise UsageError(
                _("There is no field {name}.").format(name=name),
                hint=_("Fields: {names}.").format(names=_(", ").join(sorted(known))),
            )
        if text not in names:
            raise UsageError(
                _("{file} has no heading {name}.").format(file=source, name=text),
                hint=did_you_mean(
                    text, names, _("Its headings: {names}.").format(names=_(", ").join(names))
                ),
            )


def column_option(heading: str, name: str) -> str:
    """What to type so that a heading means a field."""
    return f"--column {shlex.quote(f'{heading}={name}')}"


def suggestion(names: Sequence[str], fields: Sequence[Field]) -> str:
    """What to do when no heading names customers."""
    words = _words(fields)
    for text in names:
        near = nearest(text, words, 1)
        if near:
            name = words[near[0]].name
            return _("Is {heading} the {field}? Then add {option}").format(
                heading=text, field=name, option=column_option(text, name)
            )
    return _("Expected one of: {names}. Name yours with --column HEADING=FIELD.").format(
        names=_(", ").join(each.name for each in fields if each.key)
    )
