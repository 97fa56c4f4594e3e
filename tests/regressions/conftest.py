"""The handover tests' corp serves the regression cases, too."""

from tests.handover.conftest import corp, make_corp

__all__ = ["corp", "make_corp"]
