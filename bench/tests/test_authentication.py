"""What is measured of knowing who asks is what a request pays."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import authentication, product


def test_the_share_is_that_of_a_request_that_sells() -> None:
    figures = {"token, first time": 500.0, "token, known": 10.0, "session": 80.0, "permission": 10.0, "sale": 900.0}
    assert authentication.share(figures) == pytest.approx(0.1)


@pytest.mark.slow
def test_every_part_of_a_request_is_timed(tmp_path: Path) -> None:
    demo = product.make_demo(tmp_path, f"sqlite:///{tmp_path / product.FILE}", 1)
    figures = authentication.measure(demo, 1)
    assert set(figures) == {*authentication.PAID, "token, first time", "sale"}
    assert all(0 < timing.tenth <= timing.median for timing in figures.values())
