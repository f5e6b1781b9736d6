"""Workers that listen to one socket share its connections out evenly."""

from __future__ import annotations

import pytest

from pos_core.http import shares
from pos_core.http.shares import Shares


class Naps:
    """Counts the waits, and lets somebody do something during the n-th."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken, self.now = 0, 0.0
        self.then = lambda: None
        monkeypatch.setattr(shares.time, "sleep", self.sleep)
        monkeypatch.setattr(shares.time, "monotonic", lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.taken += 1
        self.now += seconds
        if self.taken == 2:
            self.then()


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> Naps:
    return Naps(monkeypatch)


def test_who_holds_more_waits_until_another_one_has_taken_it(naps: Naps) -> None:
    all_shares = Shares(2)
    a, b = all_shares.take(), all_shares.take()
    a.open()
    b.open()
    a.hold(1)
    naps.then = lambda: b.hold(1)
    b.let_others_first()
    assert naps.taken == 0
    a.let_others_first()
    assert naps.taken == 2


def test_the_wait_is_over_when_the_other_one_does_not_come(naps: Naps) -> None:
    all_shares = Shares(2)
    a, b = all_shares.take(), all_shares.take()
    a.open()
    b.open()
    a.hold(5)
    a.let_others_first()
    assert shares.PATIENCE_SECONDS <= naps.now < 2 * shares.PATIENCE_SECONDS


def test_nobody_waits_for_workers_that_take_none(naps: Naps) -> None:
    all_shares = Shares(2)
    a, b, c = all_shares.take(), all_shares.take(), all_shares.take()
    a.open()
    b.open()
    a.hold(5)
    b.leave()
    b.hold(3)
    all_shares.give_back(c)
    a.let_others_first()
    assert naps.taken == 0


def test_places_are_given_again_and_never_run_out() -> None:
    all_shares = Shares(1)
    taken = [all_shares.take() for _ in range(6)]
    assert len({share.slot for share in taken[:4]}) == 4
    assert taken[4].slot == taken[5].slot
    all_shares.give_back(taken[1])
    assert all_shares.take().slot == taken[1].slot
