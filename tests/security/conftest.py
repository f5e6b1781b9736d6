"""What the tests of the security log share."""

from __future__ import annotations

from tests.core.conftest import module_of, raw_writes
from tests.core.lab import lab, make_lab

__all__ = ["lab", "make_lab", "module_of", "raw_writes"]
