"""What a schema finds wrong, as the product's own errors: a path each, in English and Spanish, all of them at once."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from pos_core.errors import INVALID_REQUEST, Kind, PosError, Violation, define

BODY_MALFORMED = define(
    "body_malformed", Kind.MALFORMED,
    en="The body is not valid JSON: {reason}.", es="El cuerpo no es JSON válido: {reason}.",
    cure="Send one JSON object in UTF-8.",
)
PARAMETER_INVALID = define(
    "parameter_invalid", Kind.MALFORMED,
    en="Some query parameters are not as they must be.", es="Algunos parámetros no son como deben ser.",
    cure="Mend each parameter that `errors` names.",
)
FIELD = define(
    "field_invalid", Kind.INVALID, en="{message}", es="{message_es}", cure="Mend the field as its message says.",
)

#: pydantic's error types in Spanish; figures come from the error's own context.
_SPANISH = {
    "missing": "Falta este campo.", "extra_forbidden": "Este campo no se admite aquí.",
    "string_type": "Debe ser texto.", "int_type": "Debe ser un número entero.",
    "int_parsing": "Debe ser un número entero.",
    "bool_type": "Debe ser true o false.", "bool_parsing": "Debe ser true o false.", "list_type": "Debe ser una lista.",
    "tuple_type": "Debe ser una lista.", "dict_type": "Debe ser un objeto.", "model_type": "Debe ser un objeto.",
    "model_attributes_type": "Debe ser un objeto.",
    "string_too_short": "Debe tener al menos {min_length} caracteres.",
    "string_too_long": "Debe tener como máximo {max_length} caracteres.",
    "too_short": "Debe tener al menos {min_length}.",
    "too_long": "Debe tener como máximo {max_length}.", "greater_than_equal": "Debe ser como mínimo {ge}.",
    "greater_than": "Debe ser mayor que {gt}.", "less_than_equal": "Debe ser como máximo {le}.",
    "less_than": "Debe ser menor que {lt}.", "literal_error": "Debe ser {expected}.",
    "string_pattern_mismatch": "No tiene la forma debida.", "value_error": "No es un valor válido: {error}.",
    "datetime_parsing": "No es una fecha y hora ISO 8601.", "timezone_aware": "Falta la zona horaria.",
    "date_parsing": "No es una fecha ISO 8601.", "date_from_datetime_parsing": "No es una fecha ISO 8601.",
}  # fmt: skip


class _Context(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def field_violations(error: ValidationError) -> list[Violation]:
    """pydantic's findings as violations: a path each (`lines.3.quantity`), in both languages."""
    found = []
    items = error.errors(include_url=False, include_input=False)
    for item in items:
        if item["type"] == "too_short" and any(len(i["loc"]) > len(item["loc"]) == _shared(i, item) for i in items):
            continue  # the list is long enough; what is in it was left out because it is wrong itself
        path = ".".join(str(part) for part in item["loc"])
        context = _Context(item.get("ctx", {}))
        spanish = _SPANISH.get(item["type"], "No es un valor válido.").format_map(context)
        message = item["msg"].removeprefix("Value error, ")
        found.append(FIELD.at(path, message=message, message_es=spanish, kind=item["type"]))
    return found


def _shared(inner: Any, outer: Any) -> int:
    """How many parts of the outer finding's place the inner one's begins with."""
    return sum(1 for one, other in zip(inner["loc"], outer["loc"], strict=False) if one == other)


def from_validation(error: ValidationError, *, in_query: bool = False) -> PosError:
    """A schema's refusal as the error to raise: malformed JSON apart from fields that are not as they must be."""
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return BODY_MALFORMED(reason=str(first.get("ctx", {}).get("error", "not JSON")))
    code = PARAMETER_INVALID if in_query else INVALID_REQUEST
    return PosError(code, violations=field_violations(error))
