"""What an action asks others to agree to, and what a request says of it.

    def discount_above_limit(ctx, command, draft):
        if draft.discount_percent > ctx.settings["sales.discount_approval_percent"]:
            return Need("discount", DISCOUNT_ABOVE.at("discounts", percent=...), {"percent": ..., "total_minor": ...})

    @action("sale:complete", ..., approval=discount_above_limit)

The function reads and writes nothing, and gives None, a need, or several of different kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, SecretStr, model_validator

from pos_core.errors import Violation
from pos_core.schemas import Command, Id


@dataclass(frozen=True, slots=True)
class Need:
    """An approval that the action needs. kind: as a manifest declares it. why: what is above a limit, and where.

    figures: plain JSON, integers and text, all that the decision depends on; an approval holds for the same figures
    only. levels: how many of the kind's levels have to agree, 0 for all of them.
    """

    kind: str
    why: Violation
    figures: Mapping[str, Any]
    levels: int = 0


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Somebody who has proven who they are by a PIN, at the till of somebody else."""

    id: str
    name: str


@dataclass(slots=True)
class Given:
    """What a request brings along: approvals by id, and a supervisor at the till, once the PIN is proven."""

    ids: tuple[str, ...] = ()
    username: str = ""
    pin: SecretStr | None = None
    supervisor: Supervisor | None = None


class ApprovalIn(Command):
    """Approvals that the action uses: asked for before (`ids`), or by a supervisor who types name and PIN here."""

    ids: tuple[Id, ...] = Field((), max_length=10, description="Approved requests, each of which is used up.")
    username: str | None = Field(None, min_length=1, max_length=64, description="The supervisor's user name.")
    pin: SecretStr | None = Field(None, min_length=1, max_length=32, description="The supervisor's PIN.")

    @model_validator(mode="after")
    def _whole(self) -> ApprovalIn:
        if (self.username is None) != (self.pin is None):
            raise ValueError("a supervisor gives username and pin")
        if not self.ids and self.pin is None:
            raise ValueError("give ids, or username and pin")
        return self

    def given(self) -> Given:
        """For the context of the request."""
        return Given(self.ids, self.username or "", self.pin)
