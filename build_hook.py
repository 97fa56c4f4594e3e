"""Build step: compile the catalogues, so that wheels and editable installs speak Chinese."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogueHook(BuildHookInterface):  # type: ignore[type-arg]
    """Writes storeops/locale/*/LC_MESSAGES/storeops.mo before files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile every language."""
        root = Path(self.root)
        runpy.run_path(str(root / "storeops" / "locale" / "build.py"))["compile_all"]()
