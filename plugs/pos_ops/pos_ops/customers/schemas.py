"""Requests and answers about customers."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from pos_core.ids import uuid7
from pos_core.schemas import Answer, Command, Edit, Id, LongText, PageParams, ShortText


def _one_line(value: str) -> str:
    if not value.isprintable() or value != value.strip():
        raise ValueError("must be one line without control characters and without blanks at its ends")
    return value


PersonName = Annotated[str, StringConstraints(max_length=100), AfterValidator(_one_line)]
Mail = Annotated[str, StringConstraints(pattern=r"^([^@\s]{1,64}@[^@\s]{1,150}\.[^@\s.]{2,39})?$")]
Phone = Annotated[str, StringConstraints(pattern=r"^([0-9+(][0-9+()./ -]{2,29})?$")]
TaxId = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9 ./-]{0,39})?$")]


class CreateCustomer(Command):
    id: Id = Field(default_factory=uuid7)
    first_name: PersonName = ""
    last_name: PersonName = ""
    company: PersonName = ""
    email: Mail = ""
    phone: Phone = ""
    tax_id: TaxId = ""
    address: LongText = ""
    notes: LongText = ""


class EditCustomer(Edit):
    id: Id
    first_name: PersonName | None = None
    last_name: PersonName | None = None
    company: PersonName | None = None
    email: Mail | None = None
    phone: Phone | None = None
    tax_id: TaxId | None = None
    address: LongText | None = None
    notes: LongText | None = None


class SwitchCustomer(Edit):
    id: Id


class CustomerParams(PageParams):
    search: ShortText | None = Field(None, description="Words of name, code or mail, or a phone number; without the "
                                    "permission for contacts, of name and code only.")
    is_active: bool | None = None


class CustomerAnswer(Answer):
    id: str
    code: str
    store_id: str | None = Field(description="Where the customer was first entered; null: at the headquarters.")
    name: str = Field(description="First and last name, else the company.")
    first_name: str
    last_name: str
    company: str
    email: str | None = Field(description="Null where it is masked, as phone, tax_id and address are.")
    phone: str | None
    tax_id: str | None
    address: str | None
    notes: str
    is_active: bool
    version: int
    created_at: str
    updated_at: str
