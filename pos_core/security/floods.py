"""A bound on what failed attempts may write: a machine that hammers the door must not fill the disk.

Each origin (an address, or a session of somebody signed in) has so many attempts a minute recorded one by one; what
comes beyond is counted in memory, and the count is recorded as one event when the minute is over. All anonymous
origins together have ten times the share of one. Each process counts for itself; a count that was not written yet is
lost with a killed process, the attempts that were recorded are not.
"""

from __future__ import annotations

import ipaddress
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pos_core.context import Context

ANONYMOUS = "security.recorded_attempts_anonymous"
SIGNED_IN = "security.recorded_attempts_signed_in"
WINDOW = timedelta(minutes=1)
#: All addresses together, in shares of one address.
TOGETHER = 10
#: Origins that are told apart in one minute; the rest share one.
_ORIGINS = 4096
EVERYBODY = "everybody"
OTHERS = "others"


@dataclass(slots=True)
class Flood:
    """The attempts of one origin in one minute: how many were recorded, how many only counted (`held`)."""

    origin: str
    began: datetime
    recorded: int = 0
    held: int = 0
    last: datetime | None = None


@dataclass(slots=True)
class Floods:
    """The open minutes of one process, by origin."""

    _open: dict[str, Flood] = field(default_factory=dict)
    _over: list[Flood] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _held: bool = False

    def admit(self, ctx: Context) -> bool:
        """Whether an attempt that failed is to be recorded on its own; else it has been counted."""
        if ctx.session_id is None and not ctx.ip:
            return True  # the machine's own command line
        anonymous = ctx.session_id is None
        limit = int(ctx.settings[ANONYMOUS if anonymous else SIGNED_IN])
        with self._lock:
            own = self._of(origin_of(ctx), ctx.at)
            shared = self._of(EVERYBODY, ctx.at) if anonymous else None
            if own.recorded < limit and (shared is None or shared.recorded < TOGETHER * limit):
                own.recorded += 1
                if shared is not None:
                    shared.recorded += 1
                return True
            own.held += 1
            own.last = ctx.at
            self._held = True
            return False

    @property
    def holds(self) -> bool:
        """Whether anything was counted that is not recorded yet."""
        return self._held

    def _of(self, origin: str, at: datetime) -> Flood:
        if origin not in self._open and len(self._open) >= _ORIGINS:
            origin = OTHERS
        found = self._open.get(origin)
        if found is None or not _is_open(found, at):
            if found is not None and found.held:
                self._over.append(found)
            found = self._open[origin] = Flood(origin, at)
        return found

    def due(self, now: datetime | None) -> list[Flood]:
        """The minutes that are over (None: all of them) and held something back; they are forgotten here."""
        with self._lock:
            closed = [flood for flood in self._open.values() if now is None or not _is_open(flood, now)]
            for flood in closed:
                del self._open[flood.origin]
            over, self._over = [*self._over, *closed], []
            self._held = any(flood.held for flood in self._open.values())
        return [flood for flood in over if flood.held]


def _is_open(flood: Flood, now: datetime) -> bool:
    return flood.began <= now < flood.began + WINDOW


def origin_of(ctx: Context) -> str:
    """What attempts are counted by: the session, else the address (of IPv6 the /64 that one customer is given)."""
    if ctx.session_id is not None:
        return f"session:{ctx.session_id}"
    try:
        address = ipaddress.ip_address(ctx.ip)
    except ValueError:
        return f"ip:{ctx.ip}"
    if address.version == 6:
        return f"ip:{ipaddress.ip_network((address, 64), strict=False)}"
    return f"ip:{address}"
