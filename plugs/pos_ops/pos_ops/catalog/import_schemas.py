"""What an import takes and answers: rows of text as a file has them, and the resolved rows of one batch."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from pos_core.ids import uuid7
from pos_core.schemas import Answer, Code, Command, Id

Cell = Annotated[str, StringConstraints(max_length=20_000)]
MAX_ROWS = 500_000


class ImportRow(Command):
    """One product as a file says it: text throughout; an empty or missing field says nothing.

    Prices are decimal text in the shop's currency. `barcodes` are more barcodes beside `barcode`.
    """

    line: int = Field(0, ge=0, description="The line in the file; 0: its place in the request.")
    sku: Cell = ""
    barcode: Cell = ""
    barcodes: list[Cell] = Field(default_factory=list, max_length=50)
    name: Cell = ""
    description: Cell = ""
    selling_price: Cell = ""
    price_per: Cell = ""
    cost_price: Cell = ""
    department_code: Cell = ""
    department: Cell = ""
    category: Cell = ""
    brand: Cell = ""
    vendor_code: Cell = ""
    vendor: Cell = ""
    tax_rate_code: Cell = ""
    discount: Cell = ""
    open_price: Cell = ""
    sold_by_weight: Cell = ""
    attributes: dict[str, Cell] = Field(default_factory=dict)


class ImportProducts(Command):
    """All rows go in or none, unless `skip_bad` leaves the wrong ones out."""

    id: Id = Field(default_factory=uuid7)
    rows: list[ImportRow] = Field(min_length=1, max_length=MAX_ROWS)
    skip_bad: bool = False
    decimal_comma: bool = Field(False, description='Prices are written "1.234,50" instead of "1,234.50".')
    tax_rate_code: Code = Field("standard", description="Tax group of new products whose row names none.")
    source: Annotated[str, StringConstraints(max_length=200)] = Field(
        "", description="The file's name, for the audit entry."
    )


class BatchRow(Command):
    """A product as it is to be. `version`: none for a new one, else the version that is changed."""

    id: Id
    version: int | None
    sku: str
    name: str
    description: str
    unit_price_minor: int | None
    price_per: int
    cost_price_minor: int | None
    tax_group_id: str | None
    vendor_id: str | None
    department_id: str | None
    category_id: str | None
    brand_id: str | None
    discount_rate: int
    attributes: dict[str, Any] | None
    is_open_price: bool
    sold_by_weight: bool
    is_active: bool
    search_text: str
    new_barcodes: list[str]
    barcodes_before: int
    before: dict[str, Any] | None


class ImportBatch(Command):
    """Products of one import, resolved and checked by it."""

    rows: list[BatchRow] = Field(max_length=1000)


class BadRow(Answer):
    line: int
    field: str
    reason: str


class ImportAnswer(Answer):
    id: str
    source: str
    rows: int
    created: int
    updated: int
    unchanged: int
    departments: int = Field(description="Departments that were created.")
    categories: int
    brands: int
    vendors: int
    bad: list[BadRow]
