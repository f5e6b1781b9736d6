"""Refusals of the security log."""

from __future__ import annotations

from pos_core.errors import Kind, define

OWN_FINDING = define(
    "finding_about_oneself", Kind.DENIED,
    en="A finding about yourself is decided by somebody else.",
    es="Un hallazgo sobre usted lo decide otra persona.",
    cure="Ask somebody else who holds the permission.", security="escalation_attempt",
)
TIMELINE_OF_NOBODY = define(
    "timeline_of_nobody", Kind.INVALID,
    en="Name the user or the request.", es="Indique el usuario o la petición.",
    cure="Give `user` or `request`, or both.",
)
TIMELINE_TOO_LONG = define(
    "timeline_too_long", Kind.INVALID,
    en="The stretch of time must be above zero and at most {days} days.",
    es="El periodo debe ser mayor que cero y de {days} días como máximo.",
    cure="Ask for a shorter stretch, several times.",
)
HOURS_INVALID = define(
    "opening_hours_invalid", Kind.INVALID,
    en="These are no opening hours: {reason}.", es="Esto no es un horario de apertura: {reason}.",
    cure="Write spans such as 09:00-13:00,16:00-20:30, or closed, or nothing.",
)
