"""Holding incidents and their notes against what the audit chains say of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pos_admin.incidents import queries
from pos_admin.incidents.models import Incident, IncidentLink, IncidentNote

#: What stays as it was first told.
_FIXED = ("store_id", "title", "text", "severity", "happened_at", "recorded_at", "recorded_by", "recorded_name")
_NOTE = ("at", "author_id", "author_name", "what", "text")
_LINK = ("kind", "finding_id", "chain_id", "seq", "entity_type", "entity_id")


def disagreements(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each incident, note or link that is not as it was audited."""
    told: dict[str, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
    for fact in entries:
        if fact["outcome"] != "done":
            continue
        if fact["action"] == "incident:record":
            told.setdefault("incident", []).append((fact, fact["after"]))
            told.setdefault("link", []).extend((fact, link) for link in fact["after"]["links"])
        elif fact["action"] in ("incident:add_note", "incident:link"):
            told.setdefault(fact["action"].partition(":")[2].removeprefix("add_"), []).append((fact, fact["after"]))
    for what, model, view, fields in (
        ("incident", Incident, queries.incident_view, _FIXED), ("note", IncidentNote, queries.note_view, _NOTE),
        ("link", IncidentLink, queries.link_view, _LINK),
    ):
        ids = [after["id"] for _, after in told.get(what, ())]
        rows = {row.id: view(row) for row in model.select().where(model.id << ids)} if ids else {}
        for fact, after in told.get(what, ()):
            yield from _compared(what, fact, after, rows.get(after["id"]), fields)


def _compared(
    what: str, fact: Mapping[str, Any], after: Mapping[str, Any], row: Mapping[str, Any] | None, fields: Iterable[str]
) -> Iterator[str]:
    if row is None:
        yield f"{what} {after['id']} is gone; entry {fact['seq']} says that it was there"
        return
    for name in fields:
        if row[name] != after[name]:
            yield f"{what} {after['id']}: {name} is {row[name]!r}, entry {fact['seq']} says {after[name]!r}"
