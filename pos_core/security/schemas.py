"""Requests and answers about the security log."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pos_core.schemas import Answer, Command, Edit, Id, Instant, Json, LongText, PageParams, Params

Result = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,30}$")]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,50}$")]
Severity = Literal["info", "warning", "critical"]
RequestId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{8,64}$")]
State = Literal["open", "acknowledged", "dismissed"]


class EventParams(PageParams):
    """Which security events to list, the newest first; conditions that are given must all hold."""

    kind: Kind | None = None
    result: Result | None = Field(None, description="done, refused, denied, failed, or what the kind says.")
    severity: Severity | None = None
    user_id: Id | None = Field(None, description="Whom it is about, or who did it.")
    store_id: Id | None = None
    device_id: Id | None = None
    ip: str | None = Field(None, max_length=45)
    request_id: RequestId | None = Field(None, description="Everything that came of one request.")
    since: Instant | None = None
    until: Instant | None = None


class ExportParams(EventParams):
    """Which security events to export."""

    limit: int = Field(10_000, ge=1, le=50_000, description="Rows at most, the newest first.")


class EventAnswer(Answer):
    """One security event; its audit entry is `chain_id` and `seq`."""

    id: str
    at: str
    kind: str
    sentence: str
    result: str
    severity: Severity
    action: str
    user_id: str | None = Field(description="Whom it is about.")
    name_digest: str | None = Field(description="The typed name, where nobody is called so, as a digest.")
    actor_id: str | None
    actor_name: str | None
    session_id: str | None
    app_context: str
    channel: str
    store_id: str | None
    register_id: str | None
    device_id: str | None
    ip: str
    request_id: str
    chain_id: str
    seq: int
    count: int
    details: Json | None


class KindAnswer(Answer):
    """One kind of security event."""

    kind: str
    sentence: str
    severity: Severity
    severity_otherwise: Severity = Field(description="Of what was refused, denied or failed.")


class TimelineParams(Params):
    """Whose doings to reconstruct: a user's or a request's, in a stretch of time."""

    user: Id | None = Field(None, description="What the user did, and what was done to the account.")
    request: RequestId | None = Field(None, description="What came of one request.")
    since: Instant | None = Field(None, alias="from", description="Without it, a day before `to`.")
    until: Instant | None = Field(None, alias="to", description="Without it, now.")
    limit: int = Field(50, ge=1, le=200, description="Rows per page.")
    cursor: str | None = Field(None, max_length=500, description="`meta.next_cursor` of the page before.")


class TimelineAnswer(Answer):
    """One thing that was done or tried, with its security events."""

    at: str
    action: str
    outcome: str
    entity_type: str
    entity_id: str | None
    actor_id: str | None
    actor_name: str | None
    app_context: str | None
    channel: str | None
    store_id: str | None
    register_id: str | None
    device_id: str | None
    session_id: str | None
    ip: str | None
    request_id: str | None
    chain_id: str
    seq: int
    error: Json | None = Field(description="Why it was not done.")
    events: list[EventAnswer]


class FindingParams(PageParams):
    """Which findings to list, the newest first."""

    state: State | None = None
    detector: str | None = Field(None, max_length=100)
    severity: Severity | None = None
    store_id: Id | None = None
    actor_id: Id | None = None
    since: Instant | None = None
    until: Instant | None = None


class FindingAnswer(Answer):
    """One suspicious pattern."""

    id: str
    detector: str
    message: str
    severity: Severity
    actor_id: str | None
    store_id: str | None
    register_id: str | None
    device_id: str | None
    ip: str | None
    started_at: str
    ends_at: str
    count: int
    threshold: int
    state: State
    decided_by: str | None
    decided_at: str | None
    note: str | None
    version: int


class SightingAnswer(Answer):
    """An audit entry that a finding counts."""

    chain_id: str
    seq: int
    at: str
    weight: int


class OneFinding(FindingAnswer):
    """One finding with the entries that it counts, the first 500."""

    entries: list[SightingAnswer]


class Decide(Edit):
    """What somebody who looked into a finding says of it."""

    id: Id
    note: Annotated[LongText, StringConstraints(min_length=3)]


class Detect(Command):
    """Nothing to say: the sweep goes on where the last one ended."""


class SweepAnswer(Answer):
    """What a sweep did."""

    entries: int = Field(description="Entries that it looked at.")
    findings: list[str] = Field(description="The ids of new findings.")
    more: bool = Field(description="Whether there is more to sweep.")


class Gather(Command):
    """Attempts of one origin that were counted instead of recorded one by one. Has no door."""

    origin: str
    count: int = Field(ge=1)
    recorded: int = Field(ge=0)
    began_at: str
    last_at: str
