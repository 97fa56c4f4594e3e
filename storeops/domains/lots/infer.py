"""Which production runs a receipt without a lot number may come from, with the evidence.

An inference is no observation: it is answered and never stored as an event. Only what cannot be is
left out (made too late, too old, another day on the label, nothing of it left); that the oldest is
sent first is an assumption, and used only when the person says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from storeops import times
from storeops.database.database import Database
from storeops.i18n import _, ngettext

PROVED, INFERRED, AMBIGUOUS, CONFLICT = "proved", "inferred", "ambiguous", "conflict"


@dataclass(frozen=True, slots=True)
class ProductionRun:
    """A run of a plant.

    Attributes:
        lot: that it made.
        start, end: Unix seconds.
        made: pieces; None when not said.
        event_id: the transformation.
    """

    lot: str
    start: float
    end: float
    made: float | None
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class KnownReceipt:
    """Pieces of a run that ended elsewhere: the lot was scanned when they were sold there."""

    lot: str
    at: float
    qty: float
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class LotReceipt:
    """What came in without a lot, or with one.

    Attributes:
        at: Unix seconds; qty: pieces, None when not said.
        lot: that was scanned, "" for none.
        expires: day on the label; made: day, or moment in Unix seconds, on the label.
    """

    at: float
    qty: float | None = None
    lot: str = ""
    expires: date | None = None
    made_day: date | None = None
    made_at: float | None = None


@dataclass(frozen=True, slots=True)
class LotLimits:
    """What is possible between the end of a run and a receipt.

    Attributes:
        least_s: handling and transit at least; most_s: at most. Seconds.
        shelf_life: days from production to the day on the label, None when not known.
        oldest_first: the plant sends the oldest first.
    """

    least_s: float = 0.0
    most_s: float = 7 * 86_400.0
    shelf_life: int | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class Inference:
    """An answer.

    Attributes:
        level: proved, inferred, ambiguous or conflict.
        runs: (run, share) that remain; shares sum to 1.
        earliest, latest: production time, Unix seconds; None without a run.
        evidence: why, one sentence each, in the user's language.
    """

    level: str
    runs: tuple[tuple[ProductionRun, float], ...]
    earliest: float | None
    latest: float | None
    evidence: tuple[str, ...]


def infer(
    receipt: LotReceipt,
    runs: Sequence[ProductionRun],
    elsewhere: Sequence[KnownReceipt],
    limits: LotLimits,
) -> Inference:
    """Which runs a receipt may come from.

    Args:
        receipt: what came in.
        runs: of the article.
        elsewhere: pieces whose lot is known, other than this receipt's.
        limits: what is possible.
    """
    if receipt.lot:
        named = [each for each in runs if each.lot == receipt.lot]
        said = _("The lot {lot} was scanned.").format(lot=receipt.lot)
        if named:
            return _answer(PROVED, [(each, 1 / len(named)) for each in named], [said])
        return Inference(
            PROVED, (), None, None,
            (said, _("No production run of that lot is known.")),
        )  # fmt: skip
    evidence: list[str] = []
    left = list(runs)
    if not left:
        why = _("No production run of the article is known.")
        return Inference(CONFLICT, (), None, None, (why,))
    for why, keeps in _rules(receipt, elsewhere, limits):
        kept = [each for each in left if keeps(each)]
        gone = [each for each in left if not keeps(each)]
        if gone:
            evidence.append(why.format(lots=_names(gone)))
        if not kept:
            return Inference(
                CONFLICT, (), None, None,
                (*evidence, _("No run remains: {facts} cannot all be true.").format(
                    facts=_clash(receipt, limits))),
            )  # fmt: skip
        left = kept
    if limits.oldest_first and len(left) > 1:
        first = min(left, key=lambda each: (each.end, each.lot))
        used = sum(
            each.qty for each in elsewhere if each.lot == first.lot and each.at <= receipt.at
        )
        if first.made is not None and receipt.qty is not None and used + receipt.qty <= first.made:
            evidence.append(
                _("The oldest is sent first, so it is said, and {lot} still has enough.").format(
                    lot=first.lot
                )
            )
            left = [first]
    if len({each.lot for each in left}) == 1:
        evidence.append(_("One run remains: {lots}.").format(lots=_names(left)))
        return _answer(INFERRED, [(each, 1 / len(left)) for each in left], evidence)
    room = [_room(each, elsewhere) for each in left]
    known = [each for each in room if each is not None]
    usual = sum(known) / len(known) if known else 1.0
    weight = [usual if each is None else each for each in room]
    total = sum(weight) or 1.0
    evidence.append(
        _("{several} runs remain; their shares are those of the pieces that are left of each.")
        .format(several=len(left))
    )  # fmt: skip
    return _answer(
        AMBIGUOUS, [(each, one / total) for each, one in zip(left, weight, strict=True)], evidence
    )


def _rules(receipt: LotReceipt, elsewhere: Sequence[KnownReceipt], limits: LotLimits) -> list[Any]:
    """(why runs drop out, with {lots}; what keeps one) of every fact that there is."""

    def day(moment: float) -> date:
        return times.local(moment).date()

    def labelled(each: ProductionRun) -> bool:
        assert receipt.expires is not None
        assert limits.shelf_life is not None
        made = [day(each.start), day(each.end)]
        span = [(receipt.expires - one).days for one in made]
        return min(span) <= limits.shelf_life <= max(span)

    found: list[Any] = [
        (
            _("Made too late to have arrived by then: {lots}."),
            lambda each: each.end + limits.least_s <= receipt.at,
        ),
        (
            _("Made too long before: {lots}."),
            lambda each: receipt.at - each.end <= limits.most_s,
        ),
    ]
    if receipt.expires is not None and limits.shelf_life is not None:
        found.append((_("Another day than the label's expiry says: {lots}."), labelled))
    if receipt.made_at is not None:
        at = receipt.made_at
        found.append((
            _("Not running at the time on the label: {lots}."),
            lambda each: each.start - 60 <= at <= each.end + 60,
        ))  # fmt: skip
    elif receipt.made_day is not None:
        on = receipt.made_day
        found.append((
            _("Another day than the label's production day: {lots}."),
            lambda each: day(each.start) <= on <= day(each.end),
        ))  # fmt: skip

    def has_left(each: ProductionRun) -> bool:
        room = _room(each, elsewhere)
        return room is None or room > 1e-9

    found.append((_("All pieces of it were scanned elsewhere: {lots}."), has_left))
    return found


def _room(run: ProductionRun, elsewhere: Sequence[KnownReceipt]) -> float | None:
    if run.made is None:
        return None
    return max(0.0, run.made - sum(each.qty for each in elsewhere if each.lot == run.lot))


def _names(runs: Sequence[ProductionRun]) -> str:
    names = list(dict.fromkeys(each.lot for each in runs))
    more = f" … (+{len(names) - 5})" if len(names) > 5 else ""
    return _(", ").join(names[:5]) + more


def _clash(receipt: LotReceipt, limits: LotLimits) -> str:
    facts = [_("received {time}").format(time=times.minute(receipt.at))]
    if receipt.expires is not None:
        facts.append(_("expires {day}").format(day=receipt.expires))
    if limits.shelf_life is not None:
        facts.append(
            ngettext(
                "shelf life {days} day",
                "shelf life {days} days",
                limits.shelf_life,
            ).format(days=limits.shelf_life)
        )
    if receipt.made_day is not None or receipt.made_at is not None:
        facts.append(
            _("made {time}").format(
                time=times.minute(receipt.made_at) if receipt.made_at else receipt.made_day
            )
        )
    return _(", ").join(facts)


def _answer(
    level: str, runs: Sequence[tuple[ProductionRun, float]], evidence: Sequence[str]
) -> Inference:
    return Inference(
        level, tuple(runs), min(run.start for run, _share in runs),
        max(run.end for run, _share in runs), tuple(evidence),
    )  # fmt: skip


def facts(
    db: Database, item: str, place: str = ""
) -> tuple[list[ProductionRun], list[KnownReceipt]]:
    """Runs of an article, and pieces of them that certainly went elsewhere, from the events.

    Certain is only what was sold or thrown away at another place: what was received there may
    have gone on to this one.

    Args:
        db: data.db.
        item: GTIN-14.
        place: where the receipt was; "" proves nothing about others.
    """
    runs = [
        ProductionRun(*row)
        for row in db.execute(
            "SELECT t.lot, min(v.at), max(v.at), sum(l.qty), min(v.event_id)"
            " FROM lots_thing t JOIN lots_line l ON l.thing = t.id AND l.role IN ('out', 'what')"
            " JOIN lots_event v ON v.id = l.event AND v.void = 0"
            " WHERE t.item = ? AND t.lot <> '' AND (l.role = 'out'"
            " OR (v.action = 'ADD' AND v.step IN ('commissioning', 'creating_class_instance')))"
            " GROUP BY t.lot ORDER BY 2, 1",
            (item,),
        )
    ]
    if not place:
        return runs, []
    return runs, [
        KnownReceipt(*row)
        for row in db.execute(
            "SELECT t.lot, max(v.at), sum(l.qty), min(v.event_id)"
            " FROM lots_thing t JOIN lots_line l ON l.thing = t.id AND l.role = 'what'"
            " JOIN lots_event v ON v.id = l.event AND v.void = 0"
            " WHERE t.item = ? AND t.lot <> '' AND v.place NOT IN ('', ?) AND l.qty IS NOT NULL"
            " AND v.step IN ('retail_selling', 'destroying') GROUP BY t.lot",
            (item, place),
        )
    ]
