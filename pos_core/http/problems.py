"""Errors as RFC 9457 problems: the only place that knows which status a kind of error has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from pos_core.errors import CLIENT_CLASS, Kind, PosError, Violation, define
from pos_core.validation import BODY_MALFORMED, FIELD, PARAMETER_INVALID, from_validation

__all__ = ["BODY_MALFORMED", "FIELD", "PARAMETER_INVALID", "STATUS", "body", "from_validation"]

STATUS: dict[Kind, int] = {
    Kind.MALFORMED: 400, Kind.INVALID: 422, Kind.RULE: 422, Kind.UNAUTHENTICATED: 401, Kind.DENIED: 403,
    Kind.NOT_FOUND: 404, Kind.NOT_ALLOWED: 405, Kind.CONFLICT: 409, Kind.STALE: 412, Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 415, Kind.TOO_MANY: 429, Kind.UNAVAILABLE: 503, Kind.FAULT: 500,
}  # fmt: skip

INTERNAL = define(
    "internal_error", Kind.FAULT,
    en="Something went wrong inside; nothing was written.", es="Algo falló internamente; no se escribió nada.",
    cure="Tell support the request_id; the log has the details.",
)
BODY_TOO_LARGE = define(
    "body_too_large", Kind.TOO_LARGE,
    en="The body is larger than {limit} bytes.", es="El cuerpo supera {limit} bytes.",
    cure="Send less at once.",
)
MEDIA_UNSUPPORTED = define(
    "media_type_unsupported", Kind.UNSUPPORTED,
    en="Send application/json, not {given}.", es="Envíe application/json, no {given}.",
    cure="Set the header Content-Type: application/json.",
)
ROUTE_UNKNOWN = define(
    "route_unknown", Kind.NOT_FOUND,
    en="There is nothing at {method} {path}.", es="No hay nada en {method} {path}.",
    cure="`pos routes` and /docs list every route.",
)
METHOD_NOT_ALLOWED = define(
    "method_not_allowed", Kind.NOT_ALLOWED,
    en="{path} does not take {method}.", es="{path} no admite {method}.",
    cure="The Allow header lists the methods it takes.",
)
CURSOR_INVALID = define(
    "cursor_invalid", Kind.MALFORMED,
    en="The cursor is not one that this list gave.", es="El cursor no es uno que esta lista haya dado.",
    cure="Start again without `cursor`.",
)
IN_PATH = define(
    "field_given_in_path", Kind.INVALID,
    en="{field} is given by the path and must not stand in the body.",
    es="{field} lo da la ruta y no debe estar en el cuerpo.",
    cure="Leave the field out of the body.",
)
FIELD_TWICE = define(
    "field_given_twice", Kind.INVALID,
    en="{field} stands twice in the same object.", es="{field} aparece dos veces en el mismo objeto.",
    cure="Send each field once: which of the two was meant cannot be known.",
)
KEY_MALFORMED = define(
    "idempotency_key_malformed", Kind.MALFORMED,
    en="Idempotency-Key must be 1 to 100 printable ASCII characters.",
    es="Idempotency-Key debe tener de 1 a 100 caracteres ASCII imprimibles.",
    cure="Use a fresh UUID for each new request and the same one for its retries.",
)
IF_MATCH_MALFORMED = define(
    "if_match_malformed", Kind.MALFORMED,
    en="If-Match must be the ETag of the last read.", es="If-Match debe ser el ETag de la última lectura.",
    cure='Send it as it came, for example If-Match: "3".',
)
def body(error: PosError, request_id: str, language: str) -> tuple[int, bytes]:
    """(status, JSON) of a problem."""
    return STATUS[error.code.kind], orjson.dumps({
        "type": f"/docs/errors#{error.code.code}",
        "title": error.code.code.replace("_", " "),
        "status": STATUS[error.code.kind],
        "code": error.code.code,
        "class": CLIENT_CLASS[error.code.kind],
        "detail": error.message(language),
        "errors": [_item(violation, language) for violation in _listed(error)],
        "request_id": request_id,
    })


def _listed(error: PosError) -> Iterable[Violation]:
    if error.violations:
        return error.violations
    return (Violation(error.code, error.path, error.params),) if error.path else ()


def _item(violation: Violation, language: str) -> dict[str, Any]:
    item: dict[str, Any] = {
        "path": violation.path, "code": violation.code.code, "message": violation.message(language),
    }  # fmt: skip
    if violation.code is FIELD:
        item["kind"] = violation.params["kind"]
    if violation.rule:
        item["rule"] = violation.rule
    if (asked := violation.params.get("approval")) is not None:
        item["approval"] = asked
    if (offered := violation.params.get("offered")) is not None:
        item["methods"] = list(offered)
    return item
