"""The ways to forecast, by name: what is learnt once, and what it says of some series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from storeops.domains.forecast import boosted, pooled
from storeops.domains.forecast.history import Doubles, SalesHistory
from storeops.domains.forecast.quantiles import RatioBands, learn
from storeops.errors import UsageError
from storeops.i18n import _

METHODS = ("pooled", "boosted")


@dataclass(frozen=True)
class Learnt:
    """What a partition needs to be forecast. It travels to other processes.

    Attributes:
        method: pooled or boosted.
        fitted: what that method learnt.
        ratios: what forecasts of some weeks ago came to.
    """

    method: str
    fitted: Any
    ratios: RatioBands


def fit(history: SalesHistory, method: str) -> Any:
    """Learn by a method, from a history up to its as-of day.

    Raises:
        UsageError: there is no such method.
        ConfigError: what it needs is not installed.
    """
    if method not in METHODS:
        raise UsageError(
            _("There is no method {name}.").format(name=method),
            hint=_("Known: {names}.").format(names=_(", ").join(METHODS)),
        )
    return boosted.fit(history) if method == "boosted" else pooled.fit(history)


def predict(history: SalesHistory, fitted: Any, others: Any = None) -> Doubles:
    """Demand of the days ahead, (days ahead, series), by whatever was fitted."""
    if isinstance(fitted, boosted.BoostedFit):
        return boosted.predict(history, fitted, others)
    return pooled.predict(history, fitted)


def others(history: SalesHistory, fitted: Any) -> boosted.ChainTrend | None:
    """What a part of the series must know of all of them; None when nothing."""
    if isinstance(fitted, boosted.BoostedFit):
        return boosted.chain(history, fitted.base)
    return None


def as_it_was(method: str) -> Callable[[SalesHistory], Callable[[SalesHistory], Doubles]]:
    """Fits on an earlier history and forecasts it: for looking back."""

    def prepare(before: SalesHistory) -> Callable[[SalesHistory], Doubles]:
        fitted = fit(before, method)
        return lambda history: predict(history, fitted)

    return prepare


def prepare(history: SalesHistory, method: str) -> Learnt:
    """Everything that is learnt once for a run."""
    some = pooled.sample(history)
    return Learnt(method, fit(history, method), learn(some, as_it_was(method)))
