"""What must hold of a customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pos_core.errors import Violation
from pos_core.rules import before
from pos_ops.customers import schemas
from pos_ops.customers.errors import CUSTOMER_UNNAMED, CUSTOMER_UNREACHABLE

NAMES = ("first_name", "last_name", "company")
CONTACTS = ("phone", "email", "address")


@before("customer:create")
def check_new(command: schemas.CreateCustomer) -> Iterable[Violation]:
    """Somebody without a name or a contact cannot be found again."""
    if not any(getattr(command, name) for name in NAMES):
        yield CUSTOMER_UNNAMED.at("first_name")
    if not any(getattr(command, name) for name in CONTACTS):
        yield CUSTOMER_UNREACHABLE.at("phone")


@before("customer:edit")
def check_edit(command: schemas.EditCustomer, draft: Mapping[str, Any]) -> Iterable[Violation]:
    """An edit must leave a name and a contact."""

    def left(name: str) -> str:
        given = getattr(command, name)
        return str(draft[name] if given is None else given)

    if not any(map(left, NAMES)):
        yield CUSTOMER_UNNAMED.at("first_name")
    if not any(map(left, CONTACTS)):
        yield CUSTOMER_UNREACHABLE.at("phone")
