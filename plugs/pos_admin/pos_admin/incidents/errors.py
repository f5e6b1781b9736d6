"""Refusals about incidents."""

from __future__ import annotations

from pos_core.errors import Kind, define

IN_THE_FUTURE = define(
    "incident_in_future", Kind.INVALID,
    en="What happened cannot lie in the future.", es="Lo ocurrido no puede estar en el futuro.",
    cure="Give the time when it happened.",
)
LINKED_ALREADY = define(
    "incident_linked_already", Kind.CONFLICT,
    en="The incident is linked to that already.", es="La incidencia ya está vinculada a eso.",
    cure="Nothing is to be done.",
)
