"""What must be there before the first receipt: tills with their people, products and customers, all over HTTP.

Everything is found again at a second start. A device's key is shown once by the server, so keys and passwords are kept
in a file beside the ledger that only its owner can read.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from pos_core.ids import uuid7
from pos_core.replay.errors import Refused, ReplayError
from pos_core.replay.selling import customer_id
from pos_core.replay.wire import Wire

TILLS_FILE = "replay-tills.json"
TAX_GROUP = "zero"
DISCOUNT_LIMIT = "sales.discount_approval_percent"
#: Products per request: a second or two of work for the server.
BATCH = 500
_NOT_IN_A_USERNAME = re.compile(r"[^A-Za-z0-9.-]+")
#: User names have 30 characters at most.
_LONGEST_CODE = 18


@dataclass(frozen=True, slots=True)
class TillAccess:
    """What a till signs in with."""

    register_id: str
    register: str
    device_id: str
    device_key: str
    username: str
    password: str

    def credentials(self) -> dict[str, Any]:
        """The body of its sign-in."""
        return {
            "username": self.username, "password": self.password, "app_context": "pos",
            "device": {"id": self.device_id, "key": self.device_key},
        }  # fmt: skip


class KeyRing:
    """The tills' keys and passwords in a file of mode 0600, by register id."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / TILLS_FILE
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._kept: dict[str, dict[str, str]] = {}
        if self.path.exists():
            try:
                self._kept = orjson.loads(self.path.read_bytes())
            except orjson.JSONDecodeError as error:
                raise ReplayError(f"{self.path} is damaged: {error}; remove it, and tills are enrolled anew") from error

    def find(self, register_id: str) -> TillAccess | None:
        kept = self._kept.get(register_id)
        return TillAccess(**kept) if kept is not None else None

    def all(self) -> list[TillAccess]:
        return [TillAccess(**kept) for kept in self._kept.values()]

    def keep(self, access: TillAccess) -> None:
        """Add or replace a till's keys; the file is whole at any moment."""
        self._kept[access.register_id] = asdict(access)
        fresh = self.path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(self._kept, option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)


def sign_in_admin(wire: Wire, username: str, password: str) -> None:
    """Sign in at the headquarters. ReplayError says when the credentials do not fit."""
    try:
        wire.sign_in({"username": username, "password": password, "app_context": "hq"})
    except Refused as error:
        raise ReplayError(f"{username} cannot sign in: {error}") from error


def choose_store(admin: Wire, code: str | None) -> dict[str, Any]:
    """The store to sell in: by its code, or the only one there is."""
    stores = [store for store in admin.pages("/stores") if store["is_active"]]
    chosen = [store for store in stores if code in (None, store["code"])]
    if len(chosen) == 1:
        return dict(chosen[0])
    codes = ", ".join(store["code"] for store in stores)
    if code is None:
        raise ReplayError(f"there are several stores; choose one with --store: {codes}")
    raise ReplayError(f"there is no store {code}; there are {codes}")


def prepare_tills(admin: Wire, keys: KeyRing, store: Mapping[str, Any], count: int) -> list[TillAccess]:
    """`count` tills of the store: register, device and cashier each, those of an earlier start again."""
    registers = {row["code"]: row for row in admin.pages("/registers", store_id=store["id"])}
    users = {row["username"]: row for row in admin.pages("/users")}
    return [_prepare_till(admin, keys, store, number, registers, users) for number in range(1, count + 1)]


def _prepare_till(
    admin: Wire, keys: KeyRing, store: Mapping[str, Any], number: int, registers: Mapping[str, Any],
    users: Mapping[str, Any],
) -> TillAccess:
    code = f"RP{number:02d}"
    register = registers.get(code) or admin.post(
        "/registers", {"id": uuid7(), "store_id": store["id"], "code": code, "name": f"Replay till {number}"}
    ).data
    kept = keys.find(register["id"])
    if kept is not None and _opens(admin, kept):
        return kept
    device = admin.post("/devices", {
        "id": uuid7(), "store_id": store["id"], "register_id": register["id"], "name": f"Replay till {number}",
    }).data  # fmt: skip
    place = store["code"] if len(store["code"]) <= _LONGEST_CODE else store["id"][-12:]
    username = f"replay-{_NOT_IN_A_USERNAME.sub('-', place).lower()}-{number:02d}"
    password = secrets.token_urlsafe(18)
    first = _prepare_user(admin, users.get(username), username, password, f"Replay till {number}", store["id"])
    access = TillAccess(register["id"], code, device["id"], device["key"], username, password)
    if first != password:
        _change_password(admin, access, first)
    keys.keep(access)
    return access


def _opens(admin: Wire, access: TillAccess) -> bool:
    """Whether the kept keys still fit: they do not after a reset password or a restored database."""
    till = admin.another()
    try:
        till.sign_in(access.credentials())
    except Refused as error:
        if error.status in (401, 403):
            return False
        raise
    finally:
        till.close()
    return True


def _change_password(admin: Wire, access: TillAccess, first: str) -> None:
    """Turn the password that the administration gave into one's own: until then the till may do nothing else."""
    till = admin.another()
    try:
        till.sign_in({**access.credentials(), "password": first})
        till.post("/auth/password", {"old_password": first, "new_password": access.password})
    finally:
        till.close()


def _prepare_user(
    admin: Wire, user: Mapping[str, Any] | None, username: str, password: str, name: str, store_id: str
) -> str:
    """Make the cashier, or reset the one's password that is there; returns the password to sign in with first."""
    first = password
    if user is None:
        user = admin.post(
            "/users", {"id": uuid7(), "username": username, "full_name": name, "password": password}
        ).data
    else:
        first = secrets.token_urlsafe(18)
        admin.send(
            "POST", f"/users/{user['id']}/password",
            orjson.dumps({"password": first, "reason": "maintenance"}),
            {"If-Match": f'"{user["version"]}"', "Idempotency-Key": uuid7()},
        ).require()  # fmt: skip
    held = [(role["role"], role["store_id"]) for role in user["assignments"]]
    if ("cashier", store_id) not in held:
        admin.post("/user-roles", {"id": uuid7(), "user_id": user["id"], "role": "cashier", "store_id": store_id})
    return first


def let_discounts_stand(admin: Wire, store: Mapping[str, Any]) -> None:
    """Let the store's tills give every discount that the file tells of: nobody is there to agree to them."""
    path = f"/settings/{DISCOUNT_LIMIT}"
    if admin.get(path, store_id=store["id"]).data["effective"] < 100:
        body = orjson.dumps({"store_id": store["id"], "value": 100})
        admin.send("PUT", path, body, {"Idempotency-Key": uuid7()}).require()


@dataclass(frozen=True, slots=True)
class Made:
    """How many were there already, and how many were made."""

    there: int
    created: int


def prepare_products(
    admin: Wire, wanted: Mapping[str, tuple[str, str]], source: str, moved: Any = lambda count: None
) -> Made:
    """Make the products that are missing, with an open price and without tax. What is there is left as it is.

    wanted: name and department by SKU. `moved` is told how many products more are settled.
    """
    known = {row["sku"].casefold() for row in admin.pages("/products")}
    missing = [
        {"sku": sku, "name": name or sku, "department": department, "open_price": "yes", "tax_rate_code": TAX_GROUP}
        for sku, (name, department) in wanted.items() if sku.casefold() not in known
    ]  # fmt: skip
    moved(len(wanted) - len(missing))
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        admin.post("/products/import", {"id": uuid7(), "rows": batch, "source": f"replay {source}"[:200]})
        moved(len(batch))
    return Made(len(wanted) - len(missing), len(missing))


def prepare_customers(admin: Wire, marks: Iterable[str], source: str, moved: Any = lambda count: None) -> Made:
    """Make the customers that are missing, each under the mark that the file knows it by."""
    known = {row["id"] for row in admin.pages("/customers")}
    there = created = 0
    for mark in marks:
        made = customer_id(source, mark)
        if made in known:
            there += 1
        else:
            # The shop wants a way to reach a customer; .invalid is reserved (RFC 2606), so no mail goes anywhere.
            admin.post("/customers", {
                "id": made, "company": f"Customer {mark}"[:100].strip(), "email": f"{made}@replay.invalid",
            })  # fmt: skip
            created += 1
        moved(1)
    return Made(there, created)


def open_drawer(till: Wire) -> None:
    """Open the signed-in till's register session with an empty drawer, unless it is open."""
    if till.get("/register-sessions/current").data["session"] is None:
        till.post("/register-sessions", {"id": uuid7(), "float_minor": 0})
