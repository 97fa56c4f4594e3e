"""The drill of the evidence (`make chaos`): every cut, before and after every ordinary act."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from storeops.sandbox import local
from tests.chaos import cuts


def test_every_cut_is_named_before_and_after_every_ordinary_act(tmp_path: Path) -> None:
    missed, named, refused = [], 0, 0
    with (
        local.start(stores=2, staff=6, follows=60) as sandbox,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("STOREOPS_LANG", "en")
        environment.setenv("STOREOPS_HOME", "")
        scene = cuts.make_scene(sandbox, tmp_path)
        for name, (cut, sentence) in cuts.CUTS.items():
            for act in cuts.ACTS:
                with scene.copy(tmp_path / "copy") as copy:
                    cut(copy)
                    for moment in ("before", act, act, "job run"):
                        if moment != "before":
                            refused += bool(cuts.act(moment))
                        if re.search(sentence, cuts.said(cuts.prove())):
                            named += 1
                        else:
                            missed.append(f"{name}: {moment} ({act})")
    print(
        f"\n{len(cuts.CUTS)} kinds of cuts, each before and after {len(cuts.ACTS)} ordinary acts: "
        f"{named} times named, {len(missed)} times not; {refused} acts were refused"
    )
    assert not missed, "\n".join(missed)
