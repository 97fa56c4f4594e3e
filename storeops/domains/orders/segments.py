"""The eight segments of recency, frequency and spending, and their names."""

# ruff: noqa: E501 (Chinese words count twice)

from __future__ import annotations

from dataclasses import dataclass

from storeops.i18n import N_, _

HIGH = 4  # a score from here on is high


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment.

    Attributes:
        name: for people, translated when shown.
        chinese: the usual Chinese name, which filters take in every language.
        recent, frequent, large: which of the three scores are high.
        hint: what is usually done.
    """

    name: str
    chinese: str
    recent: bool
    frequent: bool
    large: bool
    hint: str


SEGMENTS = {
    "champion": Segment(
        N_("Important: value"), "重要价值", True, True, True, N_("thank, first access, no discount needed")
    ),
    "promising": Segment(
        N_("Important: develop"), "重要发展", True, False, True, N_("give a reason for the second visit")
    ),
    "at-risk": Segment(
        N_("Important: keep"), "重要保持", False, True, True, N_("a personal word now")
    ),
    "win-back": Segment(
        N_("Important: win back"), "重要挽留", False, False, True, N_("ask what went wrong")
    ),
    "regular": Segment(
        N_("General: value"), "一般价值", True, True, False, N_("show what goes with it")
    ),
    "newcomer": Segment(
        N_("General: develop"), "一般发展", True, False, False, N_("ask whether it works")
    ),
    "fading": Segment(
        N_("General: keep"), "一般保持", False, True, False, N_("remind of what is used up")
    ),
    "dormant": Segment(
        N_("General: win back"), "一般挽留", False, False, False, N_("leave in peace, seasons only")
    ),
}  # fmt: skip
_BY_SCORES = {(each.recent, each.frequent, each.large): key for key, each in SEGMENTS.items()}


def segment_of(r: int, f: int, m: int) -> str:
    """The segment of three scores from 1 to 5."""
    return _BY_SCORES[r >= HIGH, f >= HIGH, m >= HIGH]


def segment_of_word(text: str) -> str | None:
    """The segment that a word means: its key, its name in either language; None for none."""
    from storeops.tables import typed

    wanted = typed.word(text).casefold()
    for key, each in SEGMENTS.items():
        chinese = (each.chinese, f"{each.chinese}客户")
        if wanted in (key, _(each.name).casefold(), each.name.casefold(), *chinese):
            return key
    return None
