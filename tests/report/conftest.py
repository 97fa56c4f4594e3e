"""The corp of the handover tests, whose sandbox calls back."""

from tests.handover.conftest import corp, make_corp

__all__ = ["corp", "make_corp"]
