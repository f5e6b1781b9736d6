"""A business whose takings the tests decide."""

from __future__ import annotations

import pytest

from plugs.pos_ops.tests.registers import takings


@pytest.fixture
def business(make_business):
    for store in (takings.TAKEN, takings.MEANWHILE, takings.VETOES):
        store.clear()
    return make_business(extra=[("test.takings", takings)])
