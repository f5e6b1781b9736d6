"""Requests about other people's sessions."""

from __future__ import annotations

from pydantic import Field, model_validator

from pos_core.auth.schemas import AppContext, Reason
from pos_core.schemas import Command, Id, Instant, PageParams


class SessionParams(PageParams):
    user_id: Id | None = None
    store_id: Id | None = None
    device_id: Id | None = None
    app_context: AppContext | None = None


class EndSession(Command):
    """One session, and why it is ended."""

    id: Id
    reason: Reason


class EndUser(Command):
    """Whose sessions are ended, and why; at a store those in the store."""

    user_id: Id
    reason: Reason


class EndAll(Command):
    """Which sessions are ended, by when they began: from `since` (or ever) up to `until` (or now), one's own too."""

    since: Instant | None = None
    until: Instant | None = Field(None, description="Not later than now.")
    reason: Reason

    @model_validator(mode="after")
    def _in_order(self) -> EndAll:
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError("since must not be after until")
        return self
