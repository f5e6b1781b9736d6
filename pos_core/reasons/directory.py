"""Reason codes by action, cached by the business' revision: an action that takes a reason reads no table for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import orjson

from pos_core.db.model import database
from pos_core.db.statements import statement

_ACTIVE = statement("SELECT code, text_en, text_es, applies, needs_note FROM core_reason WHERE is_active ORDER BY code")


@dataclass(frozen=True, slots=True)
class ReasonEntry:
    code: str
    text_en: str
    text_es: str
    needs_note: bool


def applies_to(patterns: Iterable[str], action: str) -> bool:
    """Whether one of the patterns means the action."""
    return any(fnmatchcase(action, pattern) for pattern in patterns)


class ReasonDirectory:
    """The reasons in use."""

    def __init__(self) -> None:
        self._revision = -1
        self._all: list[tuple[list[str], ReasonEntry]] = []
        self._by_action: dict[str, dict[str, ReasonEntry]] = {}

    def of(self, action: str, revision: int) -> dict[str, ReasonEntry]:
        """The reasons in use for an action, by code."""
        if revision != self._revision:
            self._load(revision)
        by_action = self._by_action
        if action not in by_action:
            by_action[action] = {entry.code: entry for patterns, entry in self._all if applies_to(patterns, action)}
        return by_action[action]

    def _load(self, revision: int) -> None:
        rows = database.obj.fetch(_ACTIVE)
        self._all = [
            (orjson.loads(applies), ReasonEntry(code, english, spanish, bool(needs_note)))
            for code, english, spanish, applies, needs_note in rows
        ]  # fmt: skip
        # the revision last: another thread must not see it before the reasons it stands for
        self._by_action, self._revision = {}, revision
