"""What can be wrong with asking for a report."""

from __future__ import annotations

from pos_core.errors import Kind, define

REPORT_UNKNOWN = define(
    "report_unknown", Kind.NOT_FOUND,
    en="There is no report {report} here.", es="Aquí no hay ningún informe {report}.",
    cure="`GET /api/v1/reports` lists the reports; the module that brings one may be switched off here.",
)
