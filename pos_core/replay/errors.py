"""What can go wrong in a replay, told in one sentence to the person who started it."""

from __future__ import annotations


class ReplayError(Exception):
    """The replay cannot go on; the text says why and what to do."""


class Unreachable(ReplayError):
    """The server did not answer within the patience."""


class Refused(ReplayError):
    """The server answered, and said no. `status` is HTTP's, `code` the problem's."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}" if message else f"{code} (status {status})")
        self.status, self.code = status, code
