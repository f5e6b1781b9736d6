"""The sale every layer of the bench posts, five lines and two tenders; and how the bare drivers repeat it.

The bare drivers write what the product writes. Their patterns are the product's own first sales, row by row: one for
each basket of a till. All that a program could keep between two sales is kept in the pattern; new in every sale are
what stands in the *slots*: its ids and times, its numbers, its audit payload and the hashes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import uuid_utils

from bench.scratch import BenchError

LINES = 5
#: The parts of the audit payload that are known under the lock of the register's chain; keys are sorted in it.
_NUMBERED = re.compile(r'(?<="number":)\d+|(?<="receipt_number":")[^"]+|(?<="seq":)\d+')


@dataclass(frozen=True)
class Pattern:
    """What stays the same each time this basket is sold at this till; texts hold slots as ``%(name)s``.

    Attributes:
        chain: the register's id, which is its chain's too.
        slots: the name of each slot by what the product's sale has there.
        payload: the audit payload in four pieces; between them come number, receipt number and place in the chain.
        request: the JSON of what is asked for; its SHA-256 tells a repetition from another request.
        prefix, digits: how a receipt number is printed: the text before the number, and the number's least width.
        moves: how many stock moves, so how many ids, the sale has.
    """

    chain: str
    slots: dict[str, str]
    payload: tuple[str, ...]
    request: str
    prefix: str
    digits: int
    moves: int

    def mark(self, text: str) -> str:
        """Return a text of the product's sale with slots in it."""
        text = text.replace("%", "%%")
        for value, name in self.slots.items():
            text = text.replace(value, f"%({name})s")
        return text


def make_pattern(payload: str, outbox: str, moves: Sequence[str]) -> Pattern:
    """Return the pattern of a sale.

    Args:
        payload: its audit payload.
        outbox, moves: ids of its outbox row and of its stock moves.

    Raises:
        BenchError: the payload is not made as expected.
    """
    fact = orjson.loads(payload)
    sale = fact["after"]
    slots = {fact["id"]: "sale", fact["request"]: "request", outbox: "outbox", fact["at"]: "at"}
    slots |= {move: f"move{number}" for number, move in enumerate(moves)}
    receipt = re.fullmatch(r"(.*?)(\d+)", sale["receipt_number"])
    pieces = tuple(_NUMBERED.split(payload))
    if receipt is None or int(receipt[2]) != sale["number"] or len(pieces) != 4:
        raise BenchError(f"numbers stand elsewhere in an audit payload than the bare drivers put them: {payload}")
    made = Pattern(fact["chain"], slots, pieces, _request(sale), receipt[1], len(receipt[2]), len(moves))
    marked = tuple(made.mark(piece) for piece in pieces)
    return Pattern(made.chain, slots, marked, made.mark(made.request), made.prefix, made.digits, made.moves)


def _request(sale: dict[str, Any]) -> str:
    asked = {
        "id": sale["id"],
        "register_id": sale["register_id"],
        "lines": [{"product_id": line["product_id"], "quantity": line["quantity"]} for line in sale["lines"]],
        "tenders": [{"tender": paid["tender"], "amount_minor": paid["tendered_minor"]} for paid in sale["payments"]],
    }
    return orjson.dumps(asked).decode()


def fill_slots(pattern: Pattern) -> dict[str, str]:
    """Return what the next sale of a pattern has in its slots; the fingerprint in hexadecimal digits."""
    uuid7 = uuid_utils.uuid7
    found = {"sale": str(uuid7()), "request": str(uuid7()), "outbox": str(uuid7()), "at": now_text()}
    for number in range(pattern.moves):
        found[f"move{number}"] = str(uuid7())
    found["fingerprint"] = hashlib.sha256((pattern.request % found).encode()).hexdigest()
    return found


def now_text() -> str:
    """Return the time as the product writes it: UTC with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def new_id() -> str:
    """Return a fresh UUIDv7 as text."""
    return str(uuid_utils.uuid7())
