"""BG/NBD: how many purchases a customer is expected to make, and whether there is one any more.

Fader, Hardie and Lee, “Counting Your Customers” the Easy Way, Marketing Science 24 (2005). Time is
counted in weeks. Needs scipy (the extra `value`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from storeops.errors import ConfigError
from storeops.i18n import _

WEEK_DAYS = 7.0
_EDGE = 0.01  # a below this, or a mean chance to leave below it: the data say that nobody leaves


class BuyingHistory(NamedTuple):
    """Repeat purchases, time of the last one and age, in weeks since the first purchase."""

    repeats: int
    last: float
    age: float


def history(days: int, first: int, last: int, end_day: int) -> BuyingHistory:
    """The history of so many days with a purchase, from the first to the last, seen from the end
    of a day."""
    return BuyingHistory(days - 1, (last - first) / WEEK_DAYS, (end_day - first) / WEEK_DAYS)


@dataclass(frozen=True, slots=True)
class FittedBgNbd:
    """A fitted model.

    Attributes:
        parameters: r, alpha, a, b.
        inside: False when the fit ran to the edge; then only the rate means something.
    """

    parameters: tuple[float, ...]
    inside: bool

    def outlook(self, each: BuyingHistory, days: float) -> tuple[float, float | None]:
        """(purchases expected in the next days, chance to still be a customer or None)."""
        r, alpha, a, b = self.parameters
        weeks = days / WEEK_DAYS
        rate = (r + each.repeats) / (alpha + each.age)
        if not self.inside:
            return round(rate * weeks, 6), None
        alive = 1.0
        if each.repeats:
            odds = a / (b + each.repeats - 1) * (
                (alpha + each.age) / (alpha + each.last)
            ) ** (r + each.repeats)  # fmt: skip
            alive = 1 / (1 + odds)
        from scipy.special import hyp2f1

        x = each.repeats
        z = weeks / (alpha + each.age + weeks)
        shape = float(hyp2f1(r + x, b + x, a + b + x - 1, z))
        count = (a + b + x - 1) / (a - 1) * (
            1 - ((alpha + each.age) / (alpha + each.age + weeks)) ** (r + x) * shape
        )  # fmt: skip
        return round(max(0.0, count * alive), 6), round(alive, 6)


def fit(histories: Iterable[BuyingHistory]) -> FittedBgNbd:
    """The parameters that make these histories most likely.

    Raises:
        ConfigError: scipy is not installed.
    """
    try:
        import numpy as np
        from scipy.optimize import minimize
        from scipy.special import betaln, gammaln
    except ImportError:
        raise ConfigError(
            _("The model needs scipy, which is not installed."),
            hint=_("Install the extra: pip install 'storeops[value]'"),
        ) from None
    unique: dict[BuyingHistory, int] = {}
    for each in histories:
        unique[each] = unique.get(each, 0) + 1
    x, t_x, age = (np.array(column, float) for column in zip(*unique, strict=True))
    weight = np.array(list(unique.values()), float)

    def cost(logs: Any) -> float:
        r, alpha, a, b = np.exp(logs)
        first = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        second = betaln(a, b + x) - betaln(a, b)
        third = -(r + x) * np.log(alpha + age)
        fourth = np.where(
            x > 0,
            np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x),
            -np.inf,
        )
        return -float(np.sum(weight * (first + second + np.logaddexp(third, fourth)))) / float(
            weight.sum()
        )

    best = min(
        (
            minimize(
                cost, np.log(start), method="L-BFGS-B",
                bounds=[(-7, 7), (-7, 9), (-9, 7), (-9, 9)],
            )
            for start in ((1.0, 1.0, 1.0, 1.0), (0.3, 5.0, 0.8, 2.5))
        ),
        key=lambda found: float(found.fun),
    )  # fmt: skip
    parameters = tuple(float(each) for each in np.exp(best.x))
    _r, _alpha, a, b = parameters
    return FittedBgNbd(parameters, a > _EDGE and a / (a + b) > _EDGE and abs(a - 1) > 1e-6)
