"""Inferring by property: simulated plants whose lots are hidden."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from storeops import config, times
from storeops.domains.lots.infer import (
    AMBIGUOUS,
    CONFLICT,
    INFERRED,
    PROVED,
    KnownReceipt,
    LotLimits,
    LotReceipt,
    ProductionRun,
    infer,
)
from tests.lots.dairy import PINT

HOUR, DAY = 3600.0, 86_400.0
BEGIN = 1_777_600_000.0


def plant(
    seed: int,
) -> tuple[list[ProductionRun], list[tuple[str, LotReceipt]], list[KnownReceipt]]:
    """Runs, receipts with their true lot hidden, and sales elsewhere whose lot was scanned."""
    dice = Random(seed)
    runs, at = [], BEGIN
    for number in range(dice.randrange(1, 9)):
        at += dice.uniform(1, 20) * HOUR
        end = at + dice.uniform(0.5, 6) * HOUR
        made = None if dice.random() < 0.1 else float(dice.randrange(20, 200))
        runs.append(ProductionRun(f"L{number}", at, end, made))
    receipts, known = [], []
    for run in runs:
        left = int(run.made or 100)
        while left > 0:
            pieces = min(left, dice.randrange(5, 80))
            left -= pieces
            when = run.end + dice.uniform(2, 60) * HOUR
            day = times.local(dice.choice((run.start, run.end))).date()
            if dice.random() < 0.5:
                known.append(KnownReceipt(run.lot, when, float(pieces)))
                continue
            label = dice.random()
            receipts.append((run.lot, LotReceipt(
                when, float(pieces) if dice.random() < 0.9 else None,
                run.lot if dice.random() < 0.1 else "",
                expires=day.fromordinal(day.toordinal() + 7) if label < 0.5 else None,
                made_day=day if 0.5 <= label < 0.6 else None,
                made_at=dice.uniform(run.start, run.end) if label > 0.8 else None,
            )))  # fmt: skip
    return runs, receipts, known


LIMITS = LotLimits(least_s=2 * HOUR, most_s=60 * HOUR, shelf_life=7)


@given(st.integers(0, 10**9))
def test_the_true_run_is_always_among_the_candidates(seed: int) -> None:
    runs, receipts, known = plant(seed)
    for lot, receipt in receipts:
        found = infer(receipt, runs, known, LIMITS)
        assert lot in {run.lot for run, _share in found.runs}, found
        assert abs(sum(share for _run, share in found.runs) - 1) < 1e-9
        assert found.level != CONFLICT
        if found.level in (INFERRED, PROVED):
            assert {run.lot for run, _share in found.runs} == {lot}
        true = next(run for run in runs if run.lot == lot)
        assert found.earliest <= true.start
        assert true.end <= found.latest
        assert found.evidence


def test_every_level_occurs() -> None:
    levels: Counter[str] = Counter()
    for seed in range(300):
        runs, receipts, known = plant(seed)
        for _lot, receipt in receipts:
            levels[infer(receipt, runs, known, LIMITS).level] += 1
    assert set(levels) == {PROVED, INFERRED, AMBIGUOUS}
    assert levels[INFERRED] > 100
    assert levels[AMBIGUOUS] > 100


def test_facts_that_clash_are_named() -> None:
    runs, receipts, known = plant(4)
    _lot, receipt = receipts[0]
    late = LotReceipt(BEGIN - DAY, receipt.qty)
    found = infer(late, runs, known, LIMITS)
    assert found.level == CONFLICT
    assert found.runs == ()
    assert any("Made too late" in each for each in found.evidence)
    assert "cannot all be true" in found.evidence[-1]
    assert infer(receipt, [], known, LIMITS).level == CONFLICT


def test_oldest_first_is_used_only_when_said() -> None:
    runs = [
        ProductionRun("A", BEGIN, BEGIN + HOUR, 100),
        ProductionRun("B", BEGIN + 2 * HOUR, BEGIN + 3 * HOUR, 100),
    ]
    receipt = LotReceipt(BEGIN + 10 * HOUR, 50)
    assert infer(receipt, runs, [], LotLimits()).level == AMBIGUOUS
    found = infer(receipt, runs, [], LotLimits(oldest_first=True))
    assert found.level == INFERRED
    assert found.runs[0][0].lot == "A"
    used = [KnownReceipt("A", BEGIN + 5 * HOUR, 80)]
    assert infer(receipt, runs, used, LotLimits(oldest_first=True)).level == AMBIGUOUS


def test_inferring_from_events_stores_nothing(cli: Any, tmp_path: Path) -> None:
    config.save_profile(config.Profile("p", "ww1"))
    file = tmp_path / "papers.csv"
    file.write_text(
        "kind,at,item,lot,qty,place,input_item,input_lot,input_qty\n"
        f"production,2026-05-01 05:00,{PINT},A1,48,P,{PINT},T1,9\n"
        f"production,2026-05-01 09:00,{PINT},A2,48,P,{PINT},T2,9\n"
        f"production,2026-05-03 09:00,{PINT},A3,48,P,{PINT},T3,9\n"
        f"sale,2026-05-02 09:00,{PINT},A1,48,S009,,,\n"
    )
    assert cli("lot", "import", str(file), "--json").json["added"] == 4
    words = ("trace", "infer", PINT, "--at", "2026-05-02 08:00", "--json")
    found = cli(*words).json
    assert found["level"] == "ambiguous"
    assert {each["lot"]: each["share"] for each in found["items"]} == {"A1": 0.5, "A2": 0.5}
    found = cli(*words, "--place", "S001").json
    assert found["level"] == "inferred"
    assert [each["lot"] for each in found["items"]] == ["A2"]
    assert any("A1" in each for each in found["evidence"])
    assert (
        cli("trace", "infer", f"(01){PINT}(10)A1", "--at", "2026-05-02", "--json").json["level"]
        == "proved"
    )
    before = cli("lot", "show", f"{PINT}/A2", "--json").json["items"]
    assert len(before) == 1  # the run itself, and no inference
    assert cli("trace", "infer", "hello", "--at", "2026-05-02").code == 2
    assert cli("trace", "infer", PINT, "--at", "someday").code == 2
