"""A pack that brings a thumb reader as a second factor: what a shop with such a device would install."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from pos_core import Manifest, hookimpl
from pos_core.auth.mfa.provider import Begun, MfaProvider, Person, State

MANIFEST = Manifest(name="thumbs.reader", version="1.0", title="Thumb reader", depends=("core.mfa",))


class ThumbReader(MfaProvider):
    """The reader signs a counter with the template it enrolled; a lower counter is a replay."""

    name = "thumb"
    title: Mapping[str, str] = {"en": "Thumb reader", "es": "Lector de huella"}
    biometric = True

    def begin(self, person: Person, data: Mapping[str, str], at: datetime) -> Begun:
        reader = data.get("reader", "")
        return Begun({"template": data["template"], "counter": 0, "device_id": reader}, {"device": reader})

    def verify(self, person: Person, state: State, code: str, at: datetime) -> State | None:
        counter, _, signature = code.partition(":")
        if signature != signed(state["template"], counter) or int(counter) <= state["counter"]:
            return None
        return {**state, "counter": int(counter)}


def signed(template: str, counter: str) -> str:
    """What the reader says when it recognises the thumb."""
    return hashlib.sha256(f"{template}|{counter}".encode()).hexdigest()


@hookimpl
def register_mfa_providers() -> tuple[MfaProvider, ...]:
    return (ThumbReader(),)
