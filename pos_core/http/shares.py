"""How many connections each worker holds, in memory that all of them see, so that they share them out evenly.

Whoever wakes first takes a new connection. Tills keep theirs all day: without this, one worker of two would often hold
six of eight, and their sales would wait for it while the other one has nothing to do.
"""

from __future__ import annotations

import mmap
import time

#: A worker with more connections than another one leaves it so long to take the next.
PATIENCE_SECONDS = 0.003
_LOOK_EVERY_SECONDS = 0.0003
_NOBODY = -1


class Shares:
    """The counts of all workers; made before the first fork."""

    def __init__(self, workers: int) -> None:
        # While workers are replaced there is one more, and those that finish their last requests.
        self._counts = memoryview(mmap.mmap(-1, 4 * (2 * workers + 2))).cast("i")
        self._taken: set[int] = set()
        for slot in range(len(self._counts)):
            self._counts[slot] = _NOBODY

    def take(self) -> Share:
        """A place for a worker that is about to be forked.

        Where all are taken by workers that still finish their requests it is the last one, shared: counts that are
        wrong for a while cost nothing but evenness.
        """
        slots = range(len(self._counts))
        free = next((slot for slot in slots if slot not in self._taken), slots[-1])
        self._taken.add(free)
        return Share(self._counts, free)

    def give_back(self, share: Share) -> None:
        """The place of a worker that has ended, however it ended."""
        share.leave()
        self._taken.discard(share.slot)


class Share:
    """One worker's count, and a look at the others'."""

    def __init__(self, counts: memoryview[int], slot: int) -> None:
        self._counts, self.slot = counts, slot

    def open(self) -> None:
        """This worker takes connections from now on."""
        self._counts[self.slot] = 0

    def leave(self) -> None:
        """This worker takes no more connections."""
        self._counts[self.slot] = _NOBODY

    def hold(self, connections: int) -> None:
        """This worker holds so many now."""
        if self._counts[self.slot] != _NOBODY:
            self._counts[self.slot] = connections

    def let_others_first(self) -> None:
        """Wait a moment when another worker holds fewer connections, until one was taken or the moment is over."""
        mine, others = self._counts[self.slot], self._others()
        end = time.monotonic() + PATIENCE_SECONDS
        while any(_NOBODY < count < mine for count in others) and time.monotonic() < end:
            time.sleep(_LOOK_EVERY_SECONDS)
            if self._others() != others:
                return

    def _others(self) -> list[int]:
        counts = self._counts.tolist()
        del counts[self.slot]
        return counts
