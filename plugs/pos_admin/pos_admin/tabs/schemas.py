"""Answers about tabs."""

from __future__ import annotations

from pydantic import Field

from pos_core.schemas import Answer


class TabAnswer(Answer):
    code: str
    label: str = Field(description="In the reader's language.")
    available: bool = Field(description="False while what the page lives by is not installed or is off.")
