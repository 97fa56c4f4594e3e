"""Facets of the customer list: values with their counts, at any size.

Up to 20,000 customers every value is counted exactly. Beyond, counting all pairs of customer and
value would take seconds and much memory: then a filtered list looks at 40,000 relations per kind
and says "at least", and the whole list counts relations by their indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from storeops.i18n import _
from storeops.notebook.stores import list_shops
from storeops.reading import overview
from storeops.reading.conditions import conditions
from storeops.reading.filter_words import STATUSES, WAYS
from storeops.reading.query import CustomerQuery
from tui.book import FacetRows
from tui.fields import quoted

if TYPE_CHECKING:
    from storeops.app import App
    from storeops.reading.filter_names import Names

EXACT = 20_000  # customers up to which every value is counted
VALUES = 12
PAIRS = 40_000  # relations looked at beyond

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
    """Counts facets for one filter; made and used in one lane, stopped from anywhere.

    Args:
        core: the profile.
        where: the filter; "" for everybody.
        names: looks names up.
    """

    def __init__(self, core: App, where: str, names: Names) -> None:
        self._core = core
        self._where = where
        self._names = names
        self._now = core.clock.now()
        self._running: CustomerQuery | None = None
        self._stopped = False
        self._labels: dict[str, dict[int | str, tuple[str, str]]] = {}

    def stop(self) -> None:
        """End early."""
        self._stopped = True
        running = self._running
        if running is not None:
            running.cancel()

    def __iter__(self) -> Iterator[list[FacetRows]]:
        """One list per kind."""
        whole = CustomerQuery(self._core.data, self._where, names=self._names, now=self._now)
        self._running = whole
        small = not whole.count(EXACT).capped
        for kind, key, title in (*KINDS, *_of_domains()):
            if self._stopped:
                return
            counted: list[tuple[int | str, int]]
            if small or self._where:
                most = None if small else PAIRS
                counted = [(each.value, each.rows) for each in whole.facet(kind, VALUES, most)]
            elif kind == "month":
                continue  # the whole list by months says little and costs much
            elif kind in conditions():
                counted = [(each.value, each.rows) for each in whole.facet(kind, VALUES)]
            else:
                counted = overview.follows_by(self._core.data, kind, VALUES)
            facets = []
            for value, rows in counted:
                label = self._label(kind, value)
                if label is not None:
                    exact = small or not self._where
                    facets.append(FacetRows(key, title(), *label, rows, exact))
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
        if kind == "owner":
            return {
                key: (name or userid, "@" + quoted(self._names.members.word(userid)))
                for key, userid, name in self._names.staff
            }
        if kind == "store":
            shops = {shop.department_id: shop for shop in list_shops(self._core.data)}
            found: dict[int | str, tuple[str, str]] = {}
            for key, name in overview.department_names(self._core.data).items():
                shop = shops.get(key)
                title = (shop.name if shop else "") or name
                found[key] = (title, f"store:{quoted(self._names.store_word(key))}")
            return found
        return {
            tag.id: (
                tag.name,
                "#" + quoted(self._names.tags.word(tag) if not tag.deleted else tag.tag_id),
            )
            for tag in self._names.tags.tags.values()
        }
