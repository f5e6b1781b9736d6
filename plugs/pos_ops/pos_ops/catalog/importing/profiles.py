"""Profiles: how the columns of known kinds of files become rows of an import."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from pos_core.context import Context
from pos_ops.catalog.errors import IMPORT_COLUMNS, IMPORT_CURRENCY
from pos_ops.catalog.import_schemas import ImportRow
from pos_ops.catalog.importing.rows import clean
from pos_ops.catalog.words import barcode_key, words_of

Cells = Mapping[str, str]
Lines = Iterable[tuple[int, Cells]]
Row = dict[str, Any]

FIELDS = tuple(name for name in ImportRow.model_fields if name not in ("line", "barcodes", "attributes"))
ATTRIBUTE = "attribute."


@dataclass(frozen=True, slots=True)
class Reading:
    """A file to be read: its header, its lines as (line number, cells), and how to read it.

    profile: empty chooses the first that fits the header. mapping: columns to fields, on top of the profile's
    default. store: only rows of that store of the file. currency: what the prices are in (empty: the profile's).
    """

    header: tuple[str, ...]
    lines: Iterable[tuple[int, list[str]]]
    profile: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    store: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: rows for `catalog:import`, by which profile, and lines that are no rows (line, reason)."""

    rows: list[ImportRow]
    profile: str
    bad: list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of file. `needs`: columns it is known by; `merges`: rows of the same SKU are one product."""

    name: str
    title: str
    needs: tuple[str, ...]
    convert: Callable[[Lines, Mapping[str, str]], Iterator[Row]]
    currency: str = ""
    store_column: str = ""
    merges: bool = False


def read_rows(ctx: Context, reading: Reading) -> Read:
    """The rows of a file; PosError where its columns fit no profile or its prices are in another currency."""
    profile = _chosen(reading)
    currency = reading.currency or profile.currency
    if currency and currency != ctx.kernel.currency:
        raise IMPORT_CURRENCY("currency", file=currency, shop=ctx.kernel.currency)
    bad: list[tuple[int, str]] = []
    lines = _cells(reading, profile, bad)
    rows = profile.convert(lines, reading.mapping)
    if profile.merges:
        rows = iter(_merged(rows))
    return Read([ImportRow(**row) for row in rows], profile.name, bad)


def _chosen(reading: Reading) -> Profile:
    if reading.profile:
        if reading.profile not in PROFILES:
            raise IMPORT_COLUMNS(
                "profile", reason=f"there is no profile {reading.profile}; there are {', '.join(PROFILES)}"
            )
        found = PROFILES[reading.profile]
    elif reading.mapping:
        found = PROFILES["template"]
    else:
        fitting = [p for p in PROFILES.values() if set(p.needs) <= set(reading.header)]
        if not fitting:
            raise IMPORT_COLUMNS("profile", reason=f"no profile fits {', '.join(reading.header)[:300]}")
        found = fitting[0]
    missing = [column for column in (*found.needs, *reading.mapping) if column not in reading.header]
    if missing and not (found.name == "template" and reading.mapping and set(missing) <= set(found.needs)):
        raise IMPORT_COLUMNS("profile", reason=f"{found.name} needs {', '.join(missing)}")
    return found


def _cells(reading: Reading, profile: Profile, bad: list[tuple[int, str]]) -> Iterator[tuple[int, Cells]]:
    """Each line by column; lines of another store are left out, lines with too many cells are reported."""
    if reading.store and not profile.store_column:
        raise IMPORT_COLUMNS("store", reason=f"files of the kind {profile.name} name no store")
    header, width = reading.header, len(reading.header)
    for number, cells in reading.lines:
        if not any(cells):
            continue
        if len(cells) > width:
            bad.append((number, f"has {len(cells)} cells, the header {width}"))
            continue
        found = dict(zip(header, cells + [""] * (width - len(cells)), strict=True))
        if not reading.store or found[profile.store_column] == reading.store:
            yield number, found


def _merged(rows: Iterable[Row]) -> list[Row]:
    """One row per SKU: the first wins, later ones fill what it left open and add their barcodes."""
    found: dict[str, Row] = {}
    for row in rows:
        first = found.setdefault(row.get("sku") or f"\n{row['line']}", row)
        if first is row:
            continue
        for name, value in row.items():
            if value and not first.get(name):
                first[name] = value
        known = {barcode_key(b) for b in (first.get("barcode", ""), *first.get("barcodes", []))}
        barcode = row.get("barcode", "")
        if barcode and barcode_key(barcode) not in known:
            first["barcodes"] = [*first.get("barcodes", []), barcode]
    return list(found.values())


# -- kinds of files --------------------------------------------------------------------------------------------------


def _named(name: str, **row: Any) -> Row:
    """A row whose name fits: a longer one is cut and stands whole in the description."""
    whole = clean(name)
    if len(whole) <= 100:
        return {"name": whole, **row}
    return {"name": whole[:99].rstrip() + "…", **row, "description": row.get("description") or whole[:4000]}


def _attributes(cells: Cells, *columns: str) -> dict[str, str]:
    return {column: cells[column] for column in columns if cells.get(column)}


def _from_template(lines: Lines, mapping: Mapping[str, str]) -> Iterator[Row]:
    """Columns named like the fields, others by the mapping; `attribute.x` becomes the attribute x."""
    unknown = [f for f in mapping.values() if f not in FIELDS and not f.startswith(ATTRIBUTE)]
    if unknown:
        raise IMPORT_COLUMNS(
            "map", reason=f"there is no field {', '.join(unknown)}; there are {', '.join(FIELDS)}, attribute.NAME"
        )
    for number, cells in lines:
        row: Row = {"line": number, "attributes": {}}
        for column, value in cells.items():
            target = mapping.get(column, column)
            if target.startswith(ATTRIBUTE):
                row["attributes"][target.removeprefix(ATTRIBUTE)] = value
            elif target in FIELDS:
                row[target] = value
        codes = row.get("barcode", "").split("|")
        yield row | {"barcode": codes[0], "barcodes": codes[1:]}


def _from_gtin_list(lines: Lines, mapping: Mapping[str, str]) -> Iterator[Row]:
    """A list of GTINs without prices: the till asks for the price."""
    for number, cells in lines:
        columns = ("size", "author", "publisher", "format", "pages", "alcohol_by_volume")
        yield _named(
            cells["name"], line=number, sku=cells["barcode"], barcode=cells["barcode"],
            brand=clean(cells["brand"])[:100], open_price="yes", attributes=_attributes(cells, *columns),
        )  # fmt: skip


def _from_hr_prices(lines: Lines, mapping: Mapping[str, str]) -> Iterator[Row]:
    """A Croatian chain's daily price list: the special price where there is one, else the regular one."""
    for number, cells in lines:
        yield _named(
            cells["name"], line=number, sku=cells["product_id"], barcode=cells["barcode"],
            brand=clean(cells["brand"])[:100], department=clean(cells["category"])[:100],
            selling_price=cells["special_price"] or cells["price"], price_per="1",
            sold_by_weight="yes" if cells["unit"] == "kg" else "no",
            attributes=_attributes(cells, "net_quantity", "unit"),
        )  # fmt: skip


def _from_il_prices(lines: Lines, mapping: Mapping[str, str]) -> Iterator[Row]:
    """Price lists that Israeli chains publish; codes lost their leading zeros in some chains, so all do here."""
    for number, cells in lines:
        barcode = cells["barcode"].strip()
        attributes = _attributes(cells, "country", "net_quantity", "net_quantity_unit", "qty_in_package")
        yield _named(
            cells["name"], line=number, sku=barcode.lstrip("0") or barcode, barcode=barcode,
            brand=clean(cells["manufacturer"])[:100], selling_price=cells["price"], price_per="1",
            sold_by_weight="yes" if cells["is_weighted"] == "1" else "no", attributes=attributes,
        )  # fmt: skip


def _from_shopify(lines: Lines, mapping: Mapping[str, str]) -> Iterator[Row]:
    """Shopify's product file: variants stand on further lines with the same handle, which leave the rest empty."""
    handle, head = None, {}
    for number, cells in lines:
        if cells["Handle"] != handle:
            handle, head = cells["Handle"], cells
        options = {
            head.get(f"Option{n} Name") or f"Option {n}": cells.get(f"Option{n} Value", "")
            for n in (1, 2, 3)
            if cells.get(f"Option{n} Value") not in (None, "", "Default Title")
        }
        if not cells["Variant Price"] and not options:
            continue
        yield _named(
            " ".join([head["Title"], *(["-", " / ".join(options.values())] if options else [])]),
            line=number, sku=cells.get("Variant SKU") or _derived_sku(cells["Handle"], list(options.values())),
            barcode=cells.get("Variant Barcode", ""), description=_text_of(head["Body (HTML)"])[:4000],
            selling_price=cells["Variant Price"], price_per="1", cost_price=cells.get("Cost per item", ""),
            vendor=head["Vendor"][:100], department=head.get("Type", "")[:100],
            attributes=options | _attributes(head, "Tags"),
        )  # fmt: skip


def _derived_sku(handle: str, options: list[str]) -> str:
    made = "-".join([handle, *words_of(*options)]) if options else handle
    if len(made) <= 50:
        return made
    return f"{made[:41]}-{hashlib.sha256(made.encode()).hexdigest()[:8]}"


class _Text(HTMLParser):
    """The text of an HTML fragment."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def _text_of(html: str) -> str:
    parser = _Text()
    parser.feed(html)
    parser.close()
    return clean(" ".join(parser.parts))


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("template", "the columns of the template", ("sku", "name"), _from_template),
        Profile(
            "shopify", "Shopify's product file", ("Handle", "Title", "Body (HTML)", "Vendor", "Variant Price"),
            _from_shopify,
        ),
        Profile(
            "hr-prices", "Croatian price lists", ("product_id", "barcode", "name", "brand", "category", "unit", "price",
            "special_price"), _from_hr_prices, currency="EUR", store_column="store_id", merges=True,
        ),
        Profile(
            "il-prices", "Israeli price lists", ("chain_id", "barcode", "name", "manufacturer", "price", "is_weighted"),
            _from_il_prices, currency="ILS", store_column="store_id", merges=True,
        ),
        Profile(
            "gtin-list", "GTINs without prices", ("barcode", "brand", "name", "size"), _from_gtin_list, merges=True,
        ),
    )
}  # fmt: skip
