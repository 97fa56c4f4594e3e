"""The handover desk serves the regression cases, too."""

from tests.handover.conftest import desk, make_desk

__all__ = ["desk", "make_desk"]
