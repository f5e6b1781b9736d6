"""What a second factor has to be able to do. A module brings one by the hook `register_mfa_providers`.

The core keeps what a provider wants to remember of a person (its state) sealed with a key that is not in the database,
counts and limits the tries, and makes sure that two requests with the same proof cannot both win: the state is written
back under a version, and only one of two writers finds the version it read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

#: What a provider remembers of one person; JSON values only. A biometric one names its reader as `device_id`.
State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """Who enrols or proves."""

    user_id: str
    username: str
    business: str


@dataclass(frozen=True, slots=True)
class Begun:
    """An enrolment that was begun: what is remembered, and what the person is shown (once)."""

    state: State
    shown: Mapping[str, str] = field(default_factory=dict)


class MfaProvider(ABC):
    """One kind of second factor: an authenticator app, a thumb reader at the till, a smart card."""

    #: What clients call it, lower case; part of paths and of the sign-in's `mfa.method`.
    name: str
    #: What people call it, in English and Spanish.
    title: Mapping[str, str]
    #: Whether it says that this body was there (the session is then marked `biometric_verified`).
    biometric: bool = False

    @abstractmethod
    def begin(self, person: Person, data: Mapping[str, str], at: datetime) -> Begun:
        """Begin an enrolment. `data` is what the client sent along, such as a reader's template."""

    @abstractmethod
    def verify(self, person: Person, state: State, code: str, at: datetime) -> State | None:
        """The state after this proof, or None where the proof is not good (wrong, too old, used before)."""
