"""Evidence is never overwritten: what was cut is named before and after an ordinary act."""

import re

import pytest

from storeops.sandbox import local
from tests.chaos import cuts

NAMES = list(cuts.CUTS)
ACTS = list(cuts.ACTS)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with local.start(stores=2, staff=6, follows=60) as sandbox, pytest.MonkeyPatch.context() as env:
        env.setenv("STOREOPS_LANG", "en")
        env.setenv("STOREOPS_HOME", "")
        yield cuts.make_scene(sandbox, tmp_path_factory.mktemp("evidence"))


def test_work_that_nobody_cut_is_whole(scene, tmp_path):
    with scene.copy(tmp_path / "home"):
        for name in ACTS:
            assert cuts.act(name) == ""
            assert cuts.said(cuts.prove()) == ""


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_is_named_before_and_after_an_ordinary_act(scene, tmp_path, name):
    cut, sentence = cuts.CUTS[name]
    with scene.copy(tmp_path / "home") as copy:
        cut(copy)
        assert re.search(sentence, cuts.said(cuts.prove())), "before"
        act = ACTS[NAMES.index(name) % len(ACTS)]
        cuts.act(act)
        assert re.search(sentence, cuts.said(cuts.prove())), f"after {act}"
        cuts.act("job run")
        cuts.act("plan apply")
        assert re.search(sentence, cuts.said(cuts.prove())), "for ever"
