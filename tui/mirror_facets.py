"""Facets of the customer list: values with their counts, at any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from storeops.i18n import _
from storeops.reading.conditions import conditions
from storeops.reading.filter import quoted
from storeops.reading.filter_words import STATUSES, WAYS
from storeops.reading.query import CustomerQuery
from tui.customer_repository import FacetRows
from tui.names import NameLookup

if TYPE_CHECKING:
    from storeops.app import App
    from storeops.reading.filter_names import Names

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


def _of_domains() -> list[tuple[str, str, Callable[[], str]]]:
    """The facets that domains bring, in the same form."""
    return [
        (key, key, partial(_, each.facet.title))
        for key, each in conditions().items()
        if each.facet is not None
    ]


class MirrorFacets:
    """Counts facets for one filter; made and used by one worker, stopped from anywhere.

    Args:
        core: the profile.
        query: whom to count.
        names: looks names up.
    """

    def __init__(self, core: App, query: CustomerQuery, names: Names) -> None:
        self._core = core
        self._query = query
        self._names = names
        self._stopped = False
        self._labels: dict[str, dict[int | str, tuple[str, str]]] = {}

    def stop(self) -> None:
        """End early."""
        self._stopped = True
        self._query.cancel()

    def __iter__(self) -> Iterator[list[FacetRows]]:
        """One list per kind."""
        for kind, key, title in (*KINDS, *_of_domains()):
            if self._stopped:
                return
            if kind == "month" and not self._query.text:
                continue  # the whole list by months says little
            facets = []
            for each in self._query.facet(kind, VALUES):
                label = self._label(kind, each.value)
                if label is not None:
                    facets.append(FacetRows(key, title(), *label, each.rows))
            if kind == "month":
                facets.sort(key=lambda each: each.name, reverse=True)
            yield facets

    def _label(self, kind: str, value: int | str) -> tuple[str, str] | None:
        """(name for people, token of the filter language)."""
        if kind == "month":
            # createtime 0: WeCom's list of the unassigned does not tell when they were added
            return None if value == "1970-01" else (str(value), f"since:{value} until:{value}")
        if kind not in self._labels:
            self._labels[kind] = self._read_labels(kind)
        if kind in conditions():
            name = self._labels[kind].get(value, (str(value), ""))[0]
            return name, f"{kind}:{quoted(str(value))}"
        return self._labels[kind].get(value if kind == "status" else int(value))

    def _read_labels(self, kind: str) -> dict[int | str, tuple[str, str]]:
        own = conditions().get(kind)
        if own is not None and own.facet is not None:
            return {key: (name, "") for key, name in own.facet.names(self._core.data).items()}
        if kind == "status":
            return {term.value: (term.label, f"status:{term.slug}") for term in STATUSES}
        if kind == "way":
            return {int(term.value): (term.label, f"way:{term.slug}") for term in WAYS}
        words = NameLookup(self._core.data, self._names)
        if kind == "owner":
            return {
                key: (name or userid, words.member_filter(userid))
                for key, userid, name in self._names.staff
            }
        if kind == "store":
            return {key: (words.shop(key), words.shop_filter(key)) for key in words.shops}
        return {
            tag.id: (tag.name, words.tag_filter(tag.tag_id))
            for tag in self._names.tags.tags.values()
        }
