"""A dairy that remembers everything: tanks, runs, pallets, shops, and what became of each."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from storeops.domains.lots.gs1 import check_digit

ZONE = timezone(timedelta(hours=8))
START = datetime(2026, 4, 1, 4, 0, tzinfo=ZONE)


def gln(number: int) -> str:
    body = f"690{number:09d}"
    return body + check_digit(body)


def gtin(number: int) -> str:
    body = f"0690{number:09d}"
    return body + check_digit(body)


def sscc(number: int) -> str:
    body = f"0690{number:013d}"
    return body + check_digit(body)


FARM, PLANT, CENTRE = gln(1), gln(2), gln(3)
MILK, PINT = gtin(900), gtin(1)


def shop(number: int) -> str:
    return gln(1000 + number)


class Dairy:
    """Events of `runs` production runs, each of one tank, sold in `shops` shops.

    Each run makes 240 pieces a shop that gets any; `truth` has, by (lot, place), the pieces that
    are on the way, on the shelf, sold and thrown away at the end.
    """

    def __init__(self, *, runs: int = 4, shops: int = 5, each: int = 3, seed: int = 1) -> None:
        self.dice = random.Random(seed)
        self.runs, self.shops, self.each = runs, shops, each
        self.truth: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.pallets: dict[str, str] = {}
        self._pallet = 0

    def tank(self, run: int) -> str:
        return f"T{run:04d}"

    def lot(self, run: int) -> str:
        return f"L{run:04d}"

    def events(self) -> Iterator[dict[str, Any]]:
        for run in range(self.runs):
            yield from self._run(run)

    def _event(self, kind: str, at: datetime, step: str, place: str, **more: Any) -> dict[str, Any]:
        return {
            "type": kind, "eventTime": at.isoformat(), "eventTimeZoneOffset": "+08:00",
            "bizStep": step, "bizLocation": {"id": f"https://id.gs1.org/414/{place}"}, **more,
        }  # fmt: skip

    def _run(self, run: int) -> Iterator[dict[str, Any]]:
        at = START + timedelta(hours=2 * run)
        tank = {"epcClass": f"https://id.gs1.org/01/{MILK}/10/{self.tank(run)}"}
        lot = f"https://id.gs1.org/01/{PINT}/10/{self.lot(run)}"
        yield self._event(
            "ObjectEvent", at, "commissioning", FARM, action="ADD", disposition="active",
            quantityList=[{**tank, "quantity": 5000, "uom": "LTR"}],
            bizTransactionList=[{"type": "bol", "bizTransaction": f"urn:paper:HX-{run}"}],
        )  # fmt: skip
        full = [{**tank, "quantity": 5000, "uom": "LTR"}]
        plant = {"type": "location", "destination": f"https://id.gs1.org/414/{PLANT}"}
        yield self._event(
            "ObjectEvent", at + timedelta(minutes=20), "shipping", FARM, action="OBSERVE",
            quantityList=full, destinationList=[plant], disposition="in_transit",
        )  # fmt: skip
        yield self._event(
            "ObjectEvent", at + timedelta(minutes=50), "receiving", PLANT, action="OBSERVE",
            quantityList=full,
        )  # fmt: skip
        targets = [self.dice.randrange(self.shops) for _each in range(self.each)]
        made = sum(24 for _each in targets)
        yield self._event(
            "TransformationEvent", at + timedelta(hours=1), "creating_class_instance", PLANT,
            inputQuantityList=[{**tank, "quantity": 5000, "uom": "LTR"}],
            outputQuantityList=[{"epcClass": lot, "quantity": made}],
            bizTransactionList=[{"type": "testres", "bizTransaction": f"urn:paper:QA-{run}"}],
        )  # fmt: skip
        for number, at_shop in enumerate(targets):  # no two events say the same
            left = at + timedelta(hours=3, minutes=number)
            yield from self._delivery(run, lot, left, shop(at_shop))

    def _delivery(self, run: int, lot: str, at: datetime, place: str) -> Iterator[dict[str, Any]]:
        state = self.truth[self.lot(run), place]
        self._pallet += 1
        pallet = f"https://id.gs1.org/00/{sscc(self._pallet)}"
        self.pallets[sscc(self._pallet)] = self.lot(run)
        yield self._event(
            "AggregationEvent", at, "packing", PLANT, action="ADD", parentID=pallet,
            childQuantityList=[{"epcClass": lot, "quantity": 24}],
        )  # fmt: skip
        there = {"type": "location", "destination": f"https://id.gs1.org/414/{place}"}
        yield self._event(
            "ObjectEvent", at + timedelta(hours=1), "shipping", PLANT, action="OBSERVE",
            epcList=[pallet], destinationList=[there], disposition="in_transit",
        )  # fmt: skip
        if self.dice.random() < 0.1:
            state["on_the_way"] += 24
            return
        yield self._event(
            "ObjectEvent", at + timedelta(hours=5), "receiving", place, action="OBSERVE",
            epcList=[pallet],
        )  # fmt: skip
        yield self._event(
            "AggregationEvent", at + timedelta(hours=6), "unpacking", place, action="DELETE",
            parentID=pallet,
        )  # fmt: skip
        yield self._event(
            "ObjectEvent", at + timedelta(hours=7), "stocking", place, action="OBSERVE",
            quantityList=[{"epcClass": lot, "quantity": 24}], disposition="sellable_accessible",
        )  # fmt: skip
        left = 24
        for hour in range(8, 8 + self.dice.randrange(1, 4)):
            sold = self.dice.randrange(1, 6)
            left -= sold
            state["sold"] += sold
            yield self._event(
                "ObjectEvent", at + timedelta(hours=hour), "retail_selling", place,
                action="DELETE", quantityList=[{"epcClass": lot, "quantity": sold}],
                disposition="retail_sold",
            )  # fmt: skip
        if self.dice.random() < 0.3:
            state["thrown_away"] += 2
            left -= 2
            yield self._event(
                "ObjectEvent", at + timedelta(hours=20), "destroying", place, action="DELETE",
                quantityList=[{"epcClass": lot, "quantity": 2}], disposition="destroyed",
            )  # fmt: skip
        state["on_shelf"] += left

    def write(self, path: Path) -> int:
        """Write them as one EPCIS document; returns how many."""
        count = 0
        with path.open("w", encoding="utf-8") as file:
            file.write(
                '{"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/'
                'epcis-context.jsonld"], "type": "EPCISDocument", "schemaVersion": "2.0",'
                ' "creationDate": "2026-04-01T00:00:00Z",\n"epcisBody": {"eventList": [\n'
            )
            for count, each in enumerate(self.events(), 1):
                file.write((",\n" if count > 1 else "") + json.dumps(each))
            file.write("\n]}}\n")
        return count
