"""A shop that is ready to sell at many tills, set up in process through ``perform()``: one run per scratch database.

A till of the product is a register, a device enrolled for it, a cashier with the role ``cashier``, the cashier's
sign-in with that device, and an open register session. The bench's own articles all carry the standard tax, and there
are so many of them that two tills rarely sell the same one at the same moment.

This runs in a process of its own (``python -m bench.shop DIRECTORY TILLS ARTICLES``), because a kernel is made once
per process; what it made is written as JSON into the data directory.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.workload import new_id

if TYPE_CHECKING:
    from pos_core.kernel import Kernel

FILE = "bench-shop.json"
PASSWORD = "bench-password-7"
FLOAT_MINOR = 10_000


@dataclass(frozen=True)
class Till:
    """Where a sale is made: the register, and the cashier's sign-in at its device."""

    register: str
    session: str
    token: str


def read(data_dir: Path) -> tuple[tuple[Till, ...], tuple[str, ...]]:
    """Return the tills and the articles' ids that :func:`set_up` made in this data directory."""
    found = json.loads((data_dir / FILE).read_text())
    return tuple(Till(**till) for till in found["tills"]), tuple(found["products"])


def set_up(data_dir: Path, tills: int, articles: int) -> None:
    """Make the tills and the articles in an initialised shop and write down their ids.

    Raises:
        PosError: an action was refused.
    """
    from bench.product import open_kernel

    kernel = open_kernel(data_dir)
    with kernel.db.in_use():
        made = {
            "products": _articles(kernel, articles),
            "tills": [vars(_till(kernel, number)) for number in range(tills)],
        }
    (data_dir / FILE).write_text(json.dumps(made))
    kernel.stop()


def _perform(kernel: Kernel, action: str, values: Mapping[str, Any], ctx: Any = None) -> dict[str, Any]:
    command = kernel.action(action).command.model_validate_json(json.dumps(values))
    return kernel.perform(ctx or kernel.system_context("bench"), action, command).data


def _articles(kernel: Kernel, count: int) -> list[str]:
    rng = random.Random(7)
    standard = kernel.system_context("bench").query("tax_group:by_code", code="standard")["id"]
    made = []
    for number in range(count):
        values = {
            "id": new_id(), "sku": f"BENCH-{number:05d}", "name": f"Article {number:06d}",
            "unit_price_minor": rng.randrange(50, 10_000), "tax_group_id": standard,
        }  # fmt: skip
        made.append(str(_perform(kernel, "product:create", values)["id"]))
    return made


def _till(kernel: Kernel, number: int) -> Till:
    from pos_core.auth.sessions import context_of
    from pos_core.context import Context

    store = kernel.system_context("bench").query("store:list")[0][0]["id"]
    place = {"store_id": store, "name": f"Bench till {number}"}
    register = _perform(kernel, "register:create", {"id": new_id(), "code": f"B{number}", **place})["id"]
    device = _perform(kernel, "device:enrol", {"id": new_id(), "register_id": register, **place})
    person = {"id": new_id(), "username": f"bench{number}", "full_name": f"Bench {number}", "password": PASSWORD}
    user = _perform(kernel, "user:create", person)["id"]
    _perform(kernel, "user:assign", {"id": new_id(), "user_id": user, "role": "cashier", "store_id": store})
    anybody = Context(kernel, app_context="public", revision=kernel.revision())
    sign_in = {
        "id": new_id(), "username": person["username"], "password": PASSWORD, "app_context": "pos",
        "device": {"id": device["id"], "key": device["key"]},
    }  # fmt: skip
    session = _perform(kernel, "session:open", sign_in, anybody)
    cashier = context_of(kernel, session["id"])
    _perform(kernel, "register_session:open", {"id": new_id(), "float_minor": FLOAT_MINOR}, cashier)
    return Till(str(register), str(session["id"]), str(session["access_token"]))


if __name__ == "__main__":
    set_up(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
