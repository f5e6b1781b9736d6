"""Stores by id, cached by the business' revision: every request needs its store's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pos_core.db.model import database
from pos_core.db.statements import statement
from pos_core.errors import NOT_FOUND

_ALL = statement(
    "SELECT id, code, name, time_zone, day_start_minutes, address, phone, tax_number, is_active FROM core_store"
)
_REGISTERS = statement("SELECT id, store_id, code, name, is_active FROM core_register")


@dataclass(frozen=True, slots=True)
class StoreEntry:
    id: str
    code: str
    name: str
    time_zone: str
    day_start_minutes: int
    address: str
    phone: str
    tax_number: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    id: str
    store_id: str
    code: str
    name: str
    is_active: bool


def _entry(kind: Any, row: tuple[Any, ...]) -> Any:
    """A row as an entry; its last column is a flag, which SQLite gives as 0 or 1."""
    return kind(*row[:-1], bool(row[-1]))


class StoreDirectory:
    """Every store and register of the business."""

    def __init__(self) -> None:
        self._revision = -1
        self._stores: dict[str, StoreEntry] = {}
        self._registers: dict[str, RegisterEntry] = {}

    def _load(self, revision: int) -> None:
        stores = {row[0]: _entry(StoreEntry, row) for row in database.obj.fetch(_ALL)}
        registers = {row[0]: _entry(RegisterEntry, row) for row in database.obj.fetch(_REGISTERS)}
        self._stores, self._registers, self._revision = stores, registers, revision

    def get(self, store_id: str, revision: int) -> StoreEntry:
        """The store; PosError `not_found`."""
        if revision != self._revision:
            self._load(revision)
        try:
            return self._stores[store_id]
        except KeyError:
            raise NOT_FOUND("store_id", entity="store", id=store_id) from None

    def register(self, register_id: str, revision: int) -> RegisterEntry:
        """The register; PosError `not_found`."""
        if revision != self._revision:
            self._load(revision)
        try:
            return self._registers[register_id]
        except KeyError:
            raise NOT_FOUND("register_id", entity="register", id=register_id) from None

    def all(self, revision: int) -> list[StoreEntry]:
        """Every store by code."""
        if revision != self._revision:
            self._load(revision)
        return sorted(self._stores.values(), key=lambda store: store.code)
