"""Facets of the customer list: values with their counts, at any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from storeops.i18n import _
from storeops.reading.conditions import conditions
from storeops.reading.filter import quoted
from storeops.reading.filter_words import STATUSES, WAYS
from storeops.reading.query import CustomerQuery, facet_of
from tui.customer_repository import FacetRows

if TYPE_CHECKING:
    from storeops.app import App
    from tui.names import NameLookup

VALUES = 400  # per kind; a pane shows a few at first

# facet of the query → key of the filter language, heading
KINDS: tuple[tuple[str, str, Callable[[], str]], ...] = (
    ("status", "status", lambda: _("Status")),
    ("store", "store", lambda: _("Store")),
    ("owner", "owner", lambda: _("Owner")),
    ("tag", "tag", lambda: _("Tag")),
    ("way", "way", lambda: _("Way")),
    ("month", "since", lambda: _("Added")),
)
_Label = tuple[str, str]  # name for people, token of the filter language


def _months(_words: NameLookup) -> Callable[[Any], _Label | None]:
    # createtime 0: WeCom's list of the unassigned does not tell when they were added
    return lambda month: None if month == "1970-01" else (month, f"since:{month} until:{month}")


def _owners(words: NameLookup) -> Callable[[Any], _Label | None]:
    members = words.by_key
    return lambda key: (
        (words.member(members[key]), words.member_filter(members[key])) if key in members else None
    )


def _stores(words: NameLookup) -> Callable[[Any], _Label | None]:
    known = words.names.departments
    return lambda key: (words.shop(key), words.shop_filter(key)) if key in known else None


def _tags(words: NameLookup) -> Callable[[Any], _Label | None]:
    known = {tag.id: tag for tag in words.names.tags.tags.values()}
    return lambda key: (
        (known[key].name, words.tag_filter(known[key].tag_id)) if key in known else None
    )


def _statuses(_words: NameLookup) -> Callable[[Any], _Label | None]:
    return {each.value: (each.label, f"status:{each.slug}") for each in STATUSES}.get


def _ways(_words: NameLookup) -> Callable[[Any], _Label | None]:
    return {int(each.value): (each.label, f"way:{each.slug}") for each in WAYS}.get


_BY_KIND = {
    "month": _months, "owner": _owners, "store": _stores, "tag": _tags, "status": _statuses,
    "way": _ways,
}  # fmt: skip


def _of_domains() -> Iterator[tuple[str, str, Callable[[], str]]]:
    """The facets that domains bring, in the same form; loaded once the others are counted."""
    for key, each in conditions().items():
        if each.facet is not None:
            yield key, key, partial(_, each.facet.title)


class MirrorFacets:
    """Counts facets for one filter; made and used by one worker, stopped from anywhere.

    Args:
        core: the profile.
        query: whom to count.
        words: looks names up.
    """

    def __init__(self, core: App, query: CustomerQuery, words: NameLookup) -> None:
        self._core = core
        self._query = query
        self._words = words
        self._stopped = False

    def stop(self) -> None:
        """End early."""
        self._stopped = True
        self._query.cancel()

    def __iter__(self) -> Iterator[list[FacetRows]]:
        """One list per kind."""
        for kind, key, title in chain(KINDS, _of_domains()):
            if self._stopped:
                return
            if kind == "month" and not self._query.text:
                continue  # the whole list by months says little
            facets, labels = [], self._labels(kind)
            for each in self._query.facet(kind, VALUES):
                label = labels(each.value)
                if label is not None:
                    facets.append(FacetRows(key, title(), *label, each.rows))
            if kind == "month":
                facets.sort(key=lambda each: each.name, reverse=True)
            yield facets

    def _labels(self, kind: str) -> Callable[[Any], _Label | None]:
        """What gives a value its label, None for one that is not shown; only those that are counted
        are looked up: a chain has thousands of members."""
        own = facet_of(kind)
        if own is None:
            return _BY_KIND[kind](self._words)
        known = own.names(self._core.data)
        return lambda value: (known.get(value, str(value)), f"{kind}:{quoted(str(value))}")
