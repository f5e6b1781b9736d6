"""Requests and answers about the audit chains."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pos_core.schemas import Answer, Id, Instant, Json, PageParams, Params

Outcome = Literal["done", "refused", "denied", "failed"]


class EntryParams(PageParams):
    """Which entries to list; conditions that are given must all hold."""

    entity_id: Id | None = Field(None, description="Everything that was done to one thing.")
    entity_type: str | None = Field(None, max_length=50)
    action: str | None = Field(None, max_length=100, description="An action's name, such as sale:void.")
    module: str | None = Field(None, max_length=100)
    actor_id: Id | None = None
    store_id: Id | None = None
    chain_id: Id | None = Field(None, description="A register's id, or the server's chain.")
    outcome: Outcome | None = None
    since: Instant | None = None
    until: Instant | None = None


class IntegrityParams(Params):
    """What to verify."""

    chain: Id | None = Field(None, description="One chain; without it, every chain.")
    newest: int = Field(10_000, ge=1, le=200_000, description="How many of each chain's last entries to check.")
    facts: bool = Field(False, description="Also hold the tables against what the entries say.")


class EntryAnswer(Answer):
    """One audit entry; `fact` is the sealed payload."""

    chain_id: str
    seq: int
    at: str
    action: str
    outcome: Outcome
    entity_type: str
    entity_id: str | None
    store_id: str | None
    actor_id: str | None
    fact: Json
    previous: str = Field(description="The hash of the entry before, hexadecimal.")
    hash: str = Field(description="The entry's own hash, hexadecimal.")


class FindingAnswer(Answer):
    """One break in a chain, or one row that says something else than its entry."""

    kind: str
    chain: str
    first_seq: int | None
    last_seq: int | None
    after: str | None = Field(description="Time of the last sound entry before the break.")
    before: str | None = Field(description="Time of the first entry behind the break.")
    message: str


class ChainAnswer(Answer):
    """What the walk through one chain gave."""

    chain: str
    kind: str
    store_id: str | None
    entries: int
    first_seq: int = Field(description="Where the walk began; 1: the whole chain was checked.")
    head_seq: int
    head: str = Field(description="The hash of the last entry by the chain's own row.")
    ok: bool


class IntegrityAnswer(Answer):
    """The integrity report."""

    ok: bool
    entries: int
    facts_checked: bool
    unlisted: int = Field(description="Findings beyond those that are listed.")
    chains: list[ChainAnswer]
    findings: list[FindingAnswer]
