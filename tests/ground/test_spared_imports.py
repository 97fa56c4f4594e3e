"""What is spared is missing for whom it is spared, and only then."""

from __future__ import annotations

import importlib
import sys
import threading
from pathlib import Path

import pytest

from storeops.spared_imports import spared


def test_only_within_and_only_in_its_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "can_be_spared.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    found = []
    with spared("can_be_spared"):
        with spared("another"), pytest.raises(ModuleNotFoundError):
            importlib.import_module("can_be_spared")
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("can_be_spared")
        other = threading.Thread(
            target=lambda: found.append(importlib.import_module("can_be_spared"))
        )
        other.start()
        other.join()
        assert found == [importlib.import_module("can_be_spared")]  # what is there stays
    monkeypatch.delitem(sys.modules, "can_be_spared")
    assert importlib.import_module("can_be_spared") is not found[0]
    monkeypatch.delitem(sys.modules, "can_be_spared")
