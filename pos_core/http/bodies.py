"""Reading a request's JSON strictly: what two readers could understand differently is refused, not guessed.

Python's own parser does it, because it alone can be told to look at every object's keys and every number; the schema
reads the text again with its own, fast one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pos_core.approvals.needs import ApprovalIn, Given
from pos_core.errors import INVALID_REQUEST, PosError
from pos_core.http import problems
from pos_core.schemas import Command


def parse(raw: bytes) -> Any:
    """The JSON value of a body. PosError `body_malformed` (also for NaN, infinities and numbers beyond a double),
    `field_given_twice` for a key that an object has twice, `field_invalid` for text with a NUL character."""
    try:
        value = _decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise problems.BODY_MALFORMED(reason=f"it is not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise problems.BODY_MALFORMED(reason="it is nested too deeply") from None
    except ValueError as error:
        raise problems.BODY_MALFORMED(reason=str(error)) from None
    if b"\\u0000" in raw and (path := next(_nul_paths(value, ()), None)) is not None:
        raise _no_nul(path)
    return value


class _Lifted(Command):
    approval: ApprovalIn


def lift_approval(body: Any) -> Given | None:
    """Take the member `approval` off a body: it says who agrees, and is no part of what is done. None without one.

    Raises pydantic's ValidationError with paths below `approval`.
    """
    if not isinstance(body, dict) or "approval" not in body:
        return None
    return _Lifted.model_validate_json(json.dumps({"approval": body.pop("approval")})).approval.given()


def without_nul(name: str, value: str) -> str:
    """The value of a parameter or a part of the path, without a NUL character: PostgreSQL's texts cannot hold one."""
    if "\x00" in value:
        raise problems.PARAMETER_INVALID(name)
    return value


def _no_nul(path: str) -> PosError:
    violation = problems.FIELD.at(
        path, message="must not contain a NUL character", message_es="No debe contener un carácter NUL.",
        kind="value_error",
    )  # fmt: skip
    return PosError(INVALID_REQUEST, violations=(violation,))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise problems.FIELD_TWICE(twice[:100], field=twice[:100])
    return made


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:20]} is too large")
    return value


def _nul_paths(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, str) and "\x00" in value:
        yield ".".join(path)
    elif isinstance(value, dict):
        for name, part in value.items():
            if "\x00" in name:
                yield ".".join((*path, name.replace("\x00", "")))
            yield from _nul_paths(part, (*path, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _nul_paths(part, (*path, str(number)))


_decode = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite).decode
