"""Requests and answers about incidents."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from pos_core.ids import uuid7
from pos_core.schemas import Answer, Command, Edit, Id, Instant, LongText, Name, PageParams

Severity = Literal["info", "warning", "critical"]
Told = Annotated[LongText, StringConstraints(min_length=3)]
EntityType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
_FIELDS = {"finding": ("finding_id",), "entry": ("chain_id", "seq"), "entity": ("entity_type", "entity_id")}


class Link(Command):
    """What an incident has to do with: a finding, an audit entry (chain and number), or a thing (type and id)."""

    kind: Literal["finding", "entry", "entity"]
    finding_id: Id | None = None
    chain_id: Id | None = None
    seq: int | None = Field(None, ge=1)
    entity_type: EntityType | None = Field(None, description="Such as sale or product.")
    entity_id: Id | None = None

    @model_validator(mode="after")
    def _as_its_kind(self) -> Link:
        wanted = _FIELDS[self.kind]
        given = {name for names in _FIELDS.values() for name in names if getattr(self, name) is not None}
        if given != set(wanted):
            raise ValueError(f"a link to a {self.kind} gives {' and '.join(wanted)}, and nothing else")
        return self

    @property
    def ref(self) -> str:
        """The link in short, the same for the same thing."""
        return ":".join([self.kind, *(str(getattr(self, name)) for name in _FIELDS[self.kind])])


class RecordIncident(Command):
    """An incident to record."""

    id: Id = Field(default_factory=uuid7)
    title: Name
    text: Told
    severity: Severity = "warning"
    happened_at: Instant
    store_id: Id | None = Field(None, description="Where it happened; at a store always that store.")
    links: list[Link] = Field(default_factory=list, max_length=50)


class AddNote(Command):
    """Something to add to an incident."""

    id: Id
    note_id: Id = Field(default_factory=uuid7)
    text: Told


class LinkIncident(Link):
    """Something more that an incident has to do with."""

    id: Id


class SwitchIncident(Edit):
    """Why an incident is closed, or opened again."""

    id: Id
    text: Told


class IncidentParams(PageParams):
    """Which incidents to list, the latest first."""

    state: Literal["open", "closed"] | None = None
    severity: Severity | None = None
    store_id: Id | None = None
    linked_id: Id | None = Field(None, description="Those that are linked to this finding or thing.")
    since: Instant | None = None
    until: Instant | None = None


class IncidentAnswer(Answer):
    """One incident."""

    id: str
    store_id: str | None
    title: str
    text: str
    severity: Severity
    happened_at: str
    state: Literal["open", "closed"]
    recorded_at: str
    recorded_by: str | None
    recorded_name: str
    closed_at: str | None
    closed_by: str | None
    version: int


class NoteAnswer(Answer):
    """Something that was added."""

    id: str
    at: str
    author_id: str | None
    author_name: str
    what: Literal["note", "closed", "reopened"]
    text: str


class AddedNote(NoteAnswer):
    """The note that was added, and to which incident."""

    incident_id: str


class LinkAnswer(Answer):
    """What an incident has to do with."""

    id: str
    kind: Literal["finding", "entry", "entity"]
    finding_id: str | None
    chain_id: str | None
    seq: int | None
    entity_type: str | None
    entity_id: str | None


class AddedLink(LinkAnswer):
    """The link that was added, and to which incident."""

    incident_id: str


class OneIncident(IncidentAnswer):
    """One incident with everything that was added."""

    notes: list[NoteAnswer]
    links: list[LinkAnswer]
