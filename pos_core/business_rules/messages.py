"""What a rule says when it refuses: a sentence in each language, with figures of the action in braces.

`{draft.total_minor}` is shown as money, `{draft.sold_at}` as the store's local time. Only whole paths of checked
fields stand in braces; nothing in them is a format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pos_core import clock, money
from pos_core.business_rules import errors
from pos_core.business_rules.compiling import Compiler, Reader
from pos_core.business_rules.evaluating import CannotTell, Scope, Unavailable
from pos_core.business_rules.words import both
from pos_core.errors import Violation

if TYPE_CHECKING:
    from pos_core.business_rules.schemas import Content

_BRACES = re.compile(r"\{([^{}]*)\}")
_PATH = re.compile(r"(command|draft|context)(\.[a-z][a-z0-9_]{0,63}|\[\*\]){1,12}")
#: At most so many figures of a list are named, each with at most so many characters.
_NAMED = 5
_LONGEST = 60

Part = str | tuple[str, Reader]


@dataclass(frozen=True, slots=True)
class Message:
    """A compiled message: text, and figures to be read."""

    english: tuple[Part, ...]
    spanish: tuple[Part, ...]

    def told(self, scope: Scope, currency: str) -> Violation:
        """The message with its figures, as a violation that speaks both languages."""
        return both(*(
            "".join(one if isinstance(one, str) else _shown(one, scope, currency, language) for one in parts)
            for parts, language in ((self.english, "en"), (self.spanish, "es"))
        ))  # fmt: skip


def compile_message(compiler: Compiler, content: Content) -> Message:
    """The rule's message; what is wrong with it is added to the compiler's problems."""
    english = _parts(compiler, content.message_en, "message_en")
    return Message(english, _parts(compiler, content.message_es, "message_es"))


def _parts(compiler: Compiler, text: str, at: str) -> tuple[Part, ...]:
    made: list[Part] = []
    last = 0
    for match in _BRACES.finditer(text):
        made.append(text[last : match.start()])
        last = match.end()
        if (reader := _reader(compiler, match[1], at)) is not None:
            made.append((match[1], reader))
    made.append(text[last:])
    if any("{" in part or "}" in part for part in made if isinstance(part, str)):
        compiler.problems.append(errors.PLACEHOLDER_WRONG.at(at, field="{", why="-"))
    return tuple(part for part in made if part)


def _reader(compiler: Compiler, path: str, at: str) -> Reader | None:
    if _PATH.fullmatch(path) is None:
        compiler.problems.append(errors.PLACEHOLDER_WRONG.at(at, field=path[:100], why="command|draft|context"))
        return None
    reader = compiler.figure(path, at)
    if reader is not None and reader.shape.kind in ("list", "object", "other"):
        compiler.problems.append(errors.PLACEHOLDER_WRONG.at(at, field=path, why=reader.shape.kind))
        return None
    return reader


def _shown(part: tuple[str, Reader], scope: Scope, currency: str, language: str) -> str:
    path, reader = part
    try:
        found = list(dict.fromkeys(reader.read(scope)))
    except (Unavailable, CannotTell):
        return "?"
    words = [_figure(path, one, scope, currency, language)[:_LONGEST] for one in found[:_NAMED]]
    return ", ".join(words) + (", ..." if len(found) > _NAMED else "") if words else "-"


def _figure(path: str, value: Any, scope: Scope, currency: str, language: str) -> str:
    if type(value) is bool:
        return {True: ("yes", "sí"), False: ("no", "no")}[value][language == "es"]
    if path.endswith("_minor") and isinstance(value, int):
        return money.format_money(value, currency, language)
    if path == "context.local_time":
        return f"{value // 60:02}:{value % 60:02}"
    if isinstance(value, Fraction):
        return _decimal(value)
    if isinstance(value, datetime):
        return value.astimezone(clock.zone(scope.surroundings.time_zone)).strftime("%Y-%m-%d %H:%M")
    return value.isoformat() if isinstance(value, date) else str(value)


def _decimal(value: Fraction) -> str:
    """With at most four decimals, cut."""
    cut = int(abs(value) * 10_000)
    return ("-" if value < 0 else "") + money.format_scaled(cut, 4)
