"""What an import will do: every row checked against the file and the catalogue, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pos_core import money
from pos_core.context import Context
from pos_core.ids import uuid7
from pos_ops.catalog.import_schemas import BatchRow, ImportBatch, ImportProducts
from pos_ops.catalog.importing.masters import Masters
from pos_ops.catalog.importing.rows import Parsed, RowError, parse
from pos_ops.catalog.models import Product, ProductBarcode
from pos_ops.catalog.words import barcode_key, search_text

BATCH = 500
#: Columns that an import says something about, as BatchRow has them.
COLUMNS = (
    "name", "description", "unit_price_minor", "price_per", "cost_price_minor", "tax_group_id", "vendor_id",
    "department_id", "category_id", "brand_id", "discount_rate", "attributes", "is_open_price", "sold_by_weight",
)  # fmt: skip
_NEW = {
    "name": "", "description": "", "unit_price_minor": None, "price_per": 1, "cost_price_minor": None,
    "tax_group_id": None, "vendor_id": None, "department_id": None, "category_id": None, "brand_id": None,
    "discount_rate": 0, "attributes": None, "is_open_price": False, "sold_by_weight": False, "is_active": True,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that cannot go in: its place in the request, its line in the file, the field and the reason."""

    place: int
    line: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """See the module. `masters`: (action, command) of what rows name and nobody knows yet."""

    masters: tuple[tuple[str, Any], ...]
    rows: tuple[BatchRow, ...]
    unchanged: int
    bad: tuple[Bad, ...]

    @property
    def created(self) -> int:
        return sum(1 for row in self.rows if row.version is None)

    @property
    def updated(self) -> int:
        return len(self.rows) - self.created

    def batches(self) -> Iterator[ImportBatch]:
        """The rows in commands of a size that fits an audit entry."""
        for start in range(0, len(self.rows), BATCH):
            yield ImportBatch(rows=list(self.rows[start : start + BATCH]))

    def summary(self) -> dict[str, Any]:
        """The figures and the wrong rows, as the answer has them."""
        made = [name for name, _ in self.masters]
        return {
            "created": self.created, "updated": self.updated, "unchanged": self.unchanged,
            "departments": made.count("department:create"), "categories": made.count("category:create"),
            "brands": made.count("brand:create"), "vendors": made.count("vendor:create"),
            "bad": [{"line": bad.line, "field": bad.field, "reason": bad.reason} for bad in self.bad],
        }  # fmt: skip


def make_plan(ctx: Context, command: ImportProducts) -> ImportPlan:
    """Check every row and work out what is new, what changes and what stays. Reads only."""
    decimals = money.currency_decimals(ctx.kernel.currency)
    parsed, bad = _parse_all(ctx, command, decimals)
    known = _known_products([one.sku for _, _, one in parsed])
    keys = {key for _, _, one in parsed for key in map(barcode_key, one.barcodes)}
    owners = _owners(keys)
    held = _held([row["id"] for row in known.values()])
    masters = Masters(ctx)
    rows: list[BatchRow] = []
    unchanged = 0
    for place, line, one in parsed:
        existing = known.get(one.sku)
        try:
            _check(one, existing, owners, command.tax_rate_code, masters)
        except RowError as error:
            bad.append(Bad(place, line, error.field, error.sentence(ctx.language)))
            continue
        made = _row(one, existing, held, masters, command.tax_rate_code)
        if made is None:
            unchanged += 1
        else:
            rows.append(made)
    bad.sort(key=lambda wrong: wrong.place)
    return ImportPlan(tuple(masters.planned), tuple(rows), unchanged, tuple(bad))


def _parse_all(ctx: Context, command: ImportProducts, decimals: int) -> tuple[list[tuple[int, int, Parsed]], list[Bad]]:
    """The rows' figures, and the rows that are wrong in themselves or say again what an earlier row said."""
    found: list[tuple[int, int, Parsed]] = []
    bad: list[Bad] = []
    lines: dict[str, int] = {}
    barcodes: dict[str, tuple[str, int]] = {}
    for place, row in enumerate(command.rows):
        line = row.line or place + 1
        try:
            one = parse(row, decimals, command.decimal_comma)
            if one.sku in lines:
                raise RowError("sku", "twice", line=lines[one.sku], text=one.sku)
            for barcode in one.barcodes:
                sku, earlier = barcodes.get(barcode_key(barcode), (one.sku, line))
                if sku != one.sku:
                    raise RowError("barcode", "twice", line=earlier, text=barcode)
        except RowError as error:
            bad.append(Bad(place, line, error.field, error.sentence(ctx.language)))
            continue
        lines[one.sku] = line
        barcodes |= {barcode_key(barcode): (one.sku, line) for barcode in one.barcodes}
        found.append((place, line, one))
    return found, bad


def _check(
    one: Parsed,
    existing: Mapping[str, Any] | None,
    owners: Mapping[str, tuple[str, str]],
    tax_code: str,
    masters: Masters,
) -> None:
    """RowError where the row does not fit the catalogue; nothing is planned for such a row."""
    for barcode in one.barcodes:
        owner = owners.get(barcode_key(barcode))
        if owner is not None and (existing is None or owner[0] != existing["id"]):
            raise RowError("barcode", "taken", sku=owner[1], text=barcode)
    if one.tax_rate_code or existing is None:
        masters.tax_group(one.tax_rate_code or tax_code)
    is_open = one.is_open_price if one.is_open_price is not None else bool(existing and existing["is_open_price"])
    if is_open and one.unit_price_minor is not None and one.is_open_price:
        raise RowError("selling_price", "open", text=str(one.unit_price_minor))
    if existing is None and not one.name:
        raise RowError("name", "missing")
    has_price = one.unit_price_minor is not None or bool(existing and existing["unit_price_minor"] is not None)
    if not is_open and not has_price:
        raise RowError("selling_price", "missing")


def _row(
    one: Parsed, existing: Mapping[str, Any] | None, held: Mapping[str, list[str]], masters: Masters, tax_code: str
) -> BatchRow | None:
    """The product as it is to be; None where the catalogue says the same already."""
    base = existing if existing is not None else _NEW
    values = {name: base[name] for name in COLUMNS} | _said(one, base, masters, tax_code if existing is None else "")
    own = held.get(existing["id"], []) if existing is not None else []
    fresh = [barcode for barcode in one.barcodes if barcode_key(barcode) not in own]
    words = search_text(one.sku, values["name"], masters.brand_names.get(values["brand_id"]))
    before = None
    if existing is not None:
        changed = {name: existing[name] for name in COLUMNS if existing[name] != values[name]}
        if not changed and not fresh and words == existing["search_text"]:
            return None
        before = {"id": existing["id"], "sku": one.sku, **changed}
    return BatchRow(
        id=existing["id"] if existing is not None else uuid7(),
        version=existing["version"] if existing is not None else None,
        sku=one.sku, is_active=base["is_active"], search_text=words, new_barcodes=fresh, barcodes_before=len(own),
        before=before, **values,
    )  # fmt: skip


def _said(one: Parsed, base: Mapping[str, Any], masters: Masters, tax_code: str) -> dict[str, Any]:
    """The columns that the row says something about."""
    department = masters.department(one.department_code, one.department)
    code = one.tax_rate_code or tax_code
    said = {
        "name": one.name or None, "description": one.description or None, "unit_price_minor": one.unit_price_minor,
        "price_per": one.price_per, "cost_price_minor": one.cost_price_minor,
        "tax_group_id": masters.tax_group(code) if code else None,
        "vendor_id": masters.vendor(one.vendor_code, one.vendor), "department_id": department,
        "category_id": masters.category(one.category, department), "brand_id": masters.brand(one.brand),
        "discount_rate": one.discount_rate, "sold_by_weight": one.sold_by_weight,
        "attributes": {**(base["attributes"] or {}), **one.attributes} if one.attributes else None,
    }  # fmt: skip
    found: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if one.is_open_price:
        found |= {"is_open_price": True, "unit_price_minor": None}
    elif one.unit_price_minor is not None or one.is_open_price is False:
        found["is_open_price"] = False
    return found


def _chunks(values: Iterable[str], size: int = 1000) -> Iterator[list[str]]:
    every = list(values)
    for start in range(0, len(every), size):
        yield every[start : start + size]


def _known_products(skus: Sequence[str]) -> dict[str, dict[str, Any]]:
    names = ("id", "version", "sku", "is_active", "search_text", *COLUMNS)
    fields = [getattr(Product, name) for name in names]
    found: dict[str, dict[str, Any]] = {}
    for chunk in _chunks(skus):
        for values in Product.select(*fields).where(Product.sku.in_(chunk)).tuples():
            found[values[2]] = dict(zip(names, values, strict=True))
    return found


def _owners(keys: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Which active product (id, SKU) has a barcode."""
    found: dict[str, tuple[str, str]] = {}
    for chunk in _chunks(keys):
        rows = (
            ProductBarcode.select(ProductBarcode.code_key, ProductBarcode.product, Product.sku)
            .join(Product)
            .where(ProductBarcode.code_key.in_(chunk), ProductBarcode.is_active)
        )
        found |= {key: (str(product_id), sku) for key, product_id, sku in rows.tuples()}
    return found


def _held(product_ids: Iterable[str]) -> dict[str, list[str]]:
    """The barcodes (in the form they are compared in) of some products."""
    found: dict[str, list[str]] = {}
    for chunk in _chunks(product_ids):
        rows = ProductBarcode.select(ProductBarcode.product, ProductBarcode.code_key).where(
            ProductBarcode.product.in_(chunk)
        )
        for product_id, key in rows.tuples():
            found.setdefault(str(product_id), []).append(key)
    return found
