"""The demo's dairy: its files written, taken in as commands would, and what to try on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from storeops import paths, times
from storeops.domains.sandbox import demo_dairy
from storeops.domains.sandbox.demo_dairy import DairyFiles
from storeops.errors import ConflictError
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.app import App

FOLDER = "dairy"  # in the profile's folder


def take_in(
    app: App, on_progress: Callable[[int, int], object] = lambda _done, _total: None
) -> DairyFiles | None:
    """Write the files of a dairy that delivers to the profile's shops, and take them in.

    Args:
        app: the profile; its mirror was synced.
        on_progress: told how many files are taken in, of how many.

    Returns:
        What was written; None where suppliers are known already: nothing was changed.

    Raises:
        ConflictError: the mirror holds no shop with customers.
    """
    from storeops.changes.sheets import Source
    from storeops.domains.lots.importing import import_file
    from storeops.domains.lots.places import import_places
    from storeops.domains.orders import importing, products
    from storeops.domains.stock import shelf
    from storeops.domains.suppliers import register
    from storeops.domains.suppliers.rules import load_rules
    from storeops.notebook.stores import Shop, list_shops, save_shops

    db, now = app.data, app.clock.now()
    if register.suppliers(db):
        return None
    shops = demo_dairy.shops(db, now)
    if not shops:
        raise ConflictError(
            _("There is no shop with customers that a dairy could deliver to."),
            next_steps=["storeops demo --fresh --dairy"],
        )
    folder = paths.profile_dir(app.profile.name) / FOLDER
    files = demo_dairy.write(folder, shops, times.local(now).date())
    rules = load_rules(app.profile.name)
    known = {each.department_id for each in list_shops(db) if each.code}
    new = [Shop(each.department, each.store, each.name) for each in shops
           if each.department not in known]  # fmt: skip
    steps: tuple[Callable[[], object], ...] = (
        lambda: save_shops(db, new, now),
        lambda: products.import_products(db, Source(files.path("products")), now),
        lambda: importing.import_orders(
            db, importing.OrderRequest("dairy", files.path("orders")), now
        ),
        lambda: import_places(db, files.path("places")),
        lambda: import_file(db, files.path("lots"), now),
        lambda: shelf.take(
            db, shelf.read_stock_list(files.path("stock")), app.ledger.who, now, whole=True
        ),
        lambda: register.import_suppliers(db, files.path("suppliers"), rules, now),
        lambda: register.add_papers(
            db,
            [
                paper
                for paper, _scan in register.read_papers_list(files.path("certificates"), rules)
            ],
            now,
        ),
    )
    for done, step in enumerate(steps, 1):
        step()
        on_progress(done, len(steps))
    return files


def next_steps(files: DairyFiles) -> list[tuple[str, str]]:
    """(words behind storeops, what they show); every one of them works as printed."""
    return [
        ("certificate expiring", _("one licence that has expired, and those that soon will")),
        (f"trace back {files.made_lot}", _("which tank the milk is of, and the papers of its way")),
        (f"trace forward {files.bad_lot}", _("where the milk of a bad tank is now")),
        (
            f"trace recall plan {files.bad_lot} --reason {_('antibiotics')}",
            _("which shops to tell, which customers"),
        ),
        ("stock expiring --days 2", _("what must leave the shelf")),
        (f"forecast explain {files.store} {files.code}", _("tomorrow's demand, taken apart")),
        (
            f"forecast order --store {files.store} --shelf-life 6 --pack 12",
            _("what that shop should order tonight"),
        ),
    ]
