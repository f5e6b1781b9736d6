"""Requests and answers about business rules."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from pos_core.business_rules.conditions import Bounded
from pos_core.ids import UUID7_PATTERN, uuid7
from pos_core.schemas import Answer, Command, Day, Edit, Id, Instant, Json, Name, PageParams, Params, Reasoned

RuleCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,49}$")]
ActionName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}:[a-z][a-z0-9_]{0,49}$"),
    Field(description="An action's name, such as sale:complete."),
]
Position = Annotated[
    str, StringConstraints(pattern=f"^{UUID7_PATTERN.strip('^$')}\\.[0-9]{{1,15}}$"),
    Field(description="`next` of the page before."),
]
State = Literal["draft", "active", "retired"]
Effect = Literal["refuse", "reason", "approval"]


def _sentence(value: str) -> str:
    if not value.isprintable() or value != value.strip():
        raise ValueError("must be one line without control characters, and not begin or end with blanks")
    return value


def _distinct(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) != len(value):
        raise ValueError("must not name anything twice")
    return value


Sentence = Annotated[
    str, StringConstraints(min_length=1, max_length=300), AfterValidator(_sentence),
    Field(description="With figures of the action in braces: `{draft.total_minor}`."),
]
Actions = Annotated[tuple[ActionName, ...], Field(min_length=1, max_length=10), AfterValidator(_distinct)]
Stores = Annotated[tuple[Id, ...], Field(min_length=1, max_length=500), AfterValidator(_distinct)]
Priority = Annotated[int, Field(ge=1, le=999, description="Lower ones are worked out and told first.")]
OnError = Annotated[
    Literal["closed", "skip"],
    Field(description="Where the rule cannot be worked out: refuse (closed), or go on without it and note it (skip)."),
]


class Content(Command):
    """What a version of a rule says."""

    name: Name
    actions: Actions
    condition: Bounded = Field(description="Where this holds, the rule has its effect.")
    effect: Effect = "refuse"
    message_en: Sentence
    message_es: Sentence
    priority: Priority = 100
    valid_from: Day | None = Field(None, description="The first business date on which the rule holds.")
    valid_until: Day | None = Field(None, description="The last business date on which the rule holds.")
    on_error: OnError = "closed"


class CreateRule(Content):
    """A new rule begins as a draft: it refuses nothing before it is activated."""

    id: Id = Field(default_factory=uuid7)
    code: RuleCode


class EditRule(Reasoned, Edit):
    """What is given makes a new version with the rest as it was. A version that is on stays on until `activate`."""

    id: Id
    name: Name | None = None
    actions: Actions | None = None
    condition: Bounded | None = None
    effect: Effect | None = None
    message_en: Sentence | None = None
    message_es: Sentence | None = None
    priority: Priority | None = None
    valid_from: Day | None = None
    valid_until: Day | None = None
    no_dates: bool = Field(False, description="The new version holds without dates.")
    on_error: OnError | None = None


class ActivateRule(Reasoned, Edit):
    """Switch the latest version on, everywhere or in some stores; an earlier one, or other stores, are replaced."""

    id: Id
    store_ids: Stores | None = Field(None, description="Where; without it, everywhere.")


class RetireRule(Reasoned, Edit):
    id: Id


class TryRule(Command):
    """An example to try a rule with, as it would be sent. Nothing of it is done or kept."""

    id: Id
    number: int | None = Field(None, ge=1, description="Which version; without it, the latest.")
    action: ActionName
    command: Json
    store_id: Id | None = None
    register_id: Id | None = None
    at: Instant | None = Field(None, description="As if it were this moment.")


class RuleAnswer(Answer):
    id: str
    code: str
    state: State
    number: int = Field(description="The latest version.")
    active_number: int | None = Field(description="The version that is on.")
    store_ids: list[str] | None = Field(description="Where it is on; null: everywhere.")
    activated_at: str | None
    name: str
    actions: list[str]
    condition: Json
    effect: Effect
    message_en: str
    message_es: str
    priority: int
    valid_from: str | None
    valid_until: str | None
    on_error: Literal["closed", "skip"]
    version: int


class OneRule(RuleAnswer):
    problems: list[str] = Field(description="What of the latest version does not fit what is installed now.")


class VersionAnswer(Answer):
    number: int
    made_at: str
    made_by: str | None
    made_name: str
    reason: str | None
    content: Json


class FieldAnswer(Answer):
    path: str
    kind: str
    unit: str
    operators: list[str]
    past: Literal["yes", "when_answered", "no"] = Field(description="Whether a test against the past knows it.")


class AskableAnswer(Answer):
    query: str
    arguments: dict[str, str]
    answers: dict[str, str]


class FieldsAnswer(Answer):
    action: str
    effects: list[Effect]
    fields: list[FieldAnswer]
    queries: list[AskableAnswer]


class TriedAnswer(Answer):
    id: str
    code: str
    number: int
    holds: bool
    effect: Effect | None = Field(description="What the rule would have done; null: nothing.")
    message_en: str | None
    message_es: str | None
    failed: str | None = Field(description="Why the rule could not be worked out.")


class PastExample(Answer):
    at: str
    action: str
    entity_type: str
    entity_id: str | None
    store_id: str | None
    actor_id: str | None
    chain_id: str
    seq: int
    message_en: str
    message_es: str


class PastAnswer(Answer):
    """What a rule would have done to a part of the past; `next` leads on to the rest."""

    code: str
    number: int
    since: str
    until: str
    entries: int = Field(description="Audit entries that were looked at.")
    actions: int = Field(description="Those of the rule's actions that had been done.")
    held: int = Field(description="What the rule would have stopped.")
    passed: int
    unknown: int = Field(description="Of which the entry does not tell enough.")
    failed: int = Field(description="For which the rule could not be worked out.")
    unavailable: list[str] = Field(description="What entries did not tell.")
    asked_now: list[str] = Field(description="Queries, which tell what is now and not what was then.")
    by_day: dict[str, int] = Field(description="What would have been stopped, by business date.")
    examples: list[PastExample]
    next: str | None


class RuleParams(PageParams):
    state: State | None = None
    action: ActionName | None = Field(None, description="Those whose latest version stands before this action.")
    store_id: Id | None = Field(None, description="Those that are on in this store.")


class FieldsParams(Params):
    action: ActionName


class PastParams(Params):
    """Which part of the past; a page is bounded in entries and in time."""

    since: Instant | None = Field(None, description="From here (included); 31 days before `until` unless given.")
    until: Instant | None = Field(None, description="Up to here (not included); now unless given.")
    number: int | None = Field(None, ge=1, description="Which version; without it, the latest.")
    store_id: Id | None = None
    entries: int = Field(2000, ge=1, le=10_000, description="How many audit entries to look at.")
    examples: int = Field(20, ge=0, le=100, description="How many of those it would have stopped to name.")
    after: Position | None = None


def content_of(stored: Any) -> Content:
    """A version's content, read as strictly as it was written; pydantic's ValidationError."""
    import orjson

    return Content.model_validate_json(orjson.dumps(stored))
