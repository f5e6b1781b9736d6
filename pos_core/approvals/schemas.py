"""Requests and answers about approvals."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pos_core.ids import uuid7
from pos_core.schemas import Answer, Command, Id, Instant, Json, PageParams, Reasoned, ShortText

State = Literal["pending", "approved", "rejected", "withdrawn", "expired", "used"]
ActionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}:[a-z][a-z0-9_]{0,49}$")]


class RequestApproval(Command):
    """Ask that somebody agrees to an action. `command` is the action's whole request, with its id; nothing is done."""

    id: Id = Field(default_factory=uuid7)
    action: ActionName = Field(description="The action's name, such as `sale:complete`.")
    command: Json = Field(description="What will be sent, with the fields that the path and If-Match carry.")
    kind: str | None = Field(None, max_length=50, description="Which approval, where the action needs several.")
    why: ShortText = Field("", description="What to tell those who decide.")


class Decide(Command):
    """A decision on the level that the request is at."""

    id: Id
    level: int | None = Field(None, ge=1, description="The level that you mean; refused where it has moved on.")


class Refuse(Reasoned, Decide):
    """Rejecting and handing up need a reason."""


class Withdraw(Command):
    id: Id


class Sweep(Command):
    """Nothing to say: what the time has decided is written down."""


class NameDeputy(Command):
    """Who decides for you from one moment to another."""

    id: Id = Field(default_factory=uuid7)
    deputy_id: Id
    begins_at: Instant
    ends_at: Instant


class EndDeputy(Command):
    id: Id


class Decider(Answer):
    level: int
    permissions: list[str] = Field(description="Any one of them suffices.")


class Step(Answer):
    action: str
    level: int | None = Field(description="The level that it decides; null where it is no decision.")
    permissions: list[str] = Field(description="Who may: any one of them suffices; empty: the requester.")


class DecisionAnswer(Answer):
    level: int
    decision: Literal["approved", "rejected", "escalated"]
    decided_by: str | None = Field(description="Null: the time ran out.")
    decided_by_name: str | None
    decided_for: str | None = Field(description="Whose deputy it was.")
    decided_at: str
    way: Literal["session", "till", "timer"]
    reason: str | None
    note: str | None


class ApprovalAnswer(Answer):
    id: str
    kind: str
    action: str
    entity_type: str
    entity_id: str | None
    store_id: str | None
    requester_id: str
    requester_name: str
    why: str
    figures: Json
    state: State
    level: int
    levels: int
    deciders: list[Decider]
    decisions: list[DecisionAnswer]
    next: list[Step] = Field(description="What may be done with it now.")
    expires_at: str
    used_at: str | None
    is_at_till: bool
    created_at: str
    version: int


class Swept(Answer):
    expired: list[str]
    escalated: list[str]
    more: bool = Field(description="There was more than one sweep takes; sweep again.")


class DeputyAnswer(Answer):
    id: str
    user_id: str
    deputy_id: str
    begins_at: str
    ends_at: str
    ended_at: str | None
    version: int


class ApprovalParams(PageParams):
    """Filters of the list of approvals."""

    mine: bool = Field(False, description="Only what you asked for.")
    to_decide: bool = Field(False, description="Only what you may decide now, for yourself or as a deputy.")
    state: State | None = None
    kind: str | None = Field(None, max_length=50)
    action: str | None = Field(None, max_length=101)


class DeputyParams(PageParams):
    active: bool | None = Field(None, description="Only those that hold now, or only the others.")
