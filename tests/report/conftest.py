"""The desk of the handover tests, whose sandbox calls back."""

from tests.handover.conftest import desk, make_desk

__all__ = ["desk", "make_desk"]
