"""A till: one thread, one connection, one receipt after the other in the file's order."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from typing import Any

from pos_core.replay.errors import ReplayError
from pos_core.replay.ledger import DONE, REFUSED, Entry
from pos_core.replay.preparing import TillAccess, open_drawer
from pos_core.replay.selling import Sale
from pos_core.replay.wire import Answer, Stopped, Wire

#: Receipts that wait at a till: enough that it never waits for the file, few enough to be nothing in memory.
WAITING = 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the server answered to one sale."""

    sale: Sale
    entry: Entry
    microseconds: int
    retries: int
    replayed: bool = False
    other_total: bool = False
    flags: tuple[str, ...] = ()
    refusal: str = ""


@dataclass(slots=True)
class Shared:
    """What the tills of a run share: where outcomes go, and whether to end."""

    outcomes: queue.Queue[Outcome] = field(default_factory=lambda: queue.Queue(maxsize=10_000))
    stop: threading.Event = field(default_factory=threading.Event)
    failures: list[BaseException] = field(default_factory=list)

    def fail(self, error: BaseException) -> None:
        """Note what ended a thread, and end the others."""
        self.failures.append(error)
        self.stop.set()


class Till(threading.Thread):
    """Sells what is put into `receipts` until a None comes or the run stops."""

    def __init__(self, wire: Wire, access: TillAccess, shared: Shared) -> None:
        super().__init__(name=f"till {access.register}", daemon=True)
        self.receipts: queue.Queue[Sale | None] = queue.Queue(maxsize=WAITING)
        self._wire, self._access, self._shared = wire, access, shared

    def run(self) -> None:
        try:
            self._wire.sign_in(self._access.credentials())
            open_drawer(self._wire)
            while not self._shared.stop.is_set():
                sale = self._next()
                if sale is None:
                    return
                self._shared.outcomes.put(self._sell(sale))
        except Stopped:
            # Its sale stays in doubt: the next start sends it again, under the same id.
            return
        except Exception as error:  # noqa: BLE001 - of a thread: the run tells it and ends
            self._shared.fail(error)
        finally:
            self._wire.close()

    def _next(self) -> Sale | None:
        while not self._shared.stop.is_set():
            try:
                return self.receipts.get(timeout=0.2)
            except queue.Empty:
                continue
        return None

    def _sell(self, sale: Sale) -> Outcome:
        answer = self._wire.send("POST", "/sales", sale.body)
        if answer.code == "register_closed":
            open_drawer(self._wire)
            answer = self._wire.send("POST", "/sales", sale.body)
        return outcome_of(sale, answer)


def outcome_of(sale: Sale, answer: Answer) -> Outcome:
    """What an answer means for the ledger. ReplayError when it speaks of another sale than was sent."""
    if answer.status >= 300:
        refusal = f"{answer.code}: {answer.said()}"
        entry = Entry(sale.id, sale.receipt, sale.total_minor, "", f"{REFUSED}:{answer.code}")
        return Outcome(sale, entry, answer.microseconds, answer.retries, refusal=refusal)
    data: dict[str, Any] = answer.data
    if data["id"] != sale.id:
        raise ReplayError(f"the server answered sale {data['id']} to sale {sale.id}")
    total = int(data["total_minor"])
    return Outcome(
        sale, Entry(sale.id, sale.receipt, total, data["receipt_number"], DONE), answer.microseconds, answer.retries,
        replayed=answer.replayed, other_total=total != sale.total_minor,
        flags=tuple(flag["code"] for flag in data.get("flags", ())),
    )  # fmt: skip


