"""Files: profiles, mappings, and the command line's reading of them."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any

import click
import pytest

from pos_core.cli import importing
from pos_core.errors import PosError
from pos_core.testing.harness import Business
from pos_ops.catalog.importing.profiles import Reading
from pos_ops.catalog.importing.template import COLUMNS


def read(business: Business, path: Path, **options: Any) -> Any:
    with importing.open_csv(path) as (header, lines):
        return business.query("catalog:read_import", reading=Reading(header, lines, **options))


def load(business: Business, path: Path, currency: str = "EUR", **options: Any) -> dict[str, Any]:
    rows = read(business, path, currency=currency, **options).rows
    return importing.run(business.context("admin"), rows, {"source": path.name})


@pytest.mark.req("V2X-12")
def test_the_template_can_be_imported_as_it_is(business: Business, tmp_path: Path) -> None:
    path = tmp_path / "template.csv"
    path.write_bytes(business.query("product:import_template").encode())
    with path.open(newline="") as file:
        assert tuple(next(csv.reader(file))) == COLUMNS
    assert load(business, path)["created"] == 2


def test_columns_are_mapped_and_files_may_be_compressed(business: Business, tmp_path: Path) -> None:
    path = tmp_path / "list.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8-sig") as file:
        file.write("Artikel;x,Bezeichnung,VK,colour\nA-1,Größe,1.50,red\n\nB-1,Klein,2,\n")
    mapping = {"Artikel;x": "sku", "Bezeichnung": "name", "VK": "selling_price", "colour": "attribute.colour"}
    assert load(business, path, mapping=mapping)["created"] == 2
    found = business.query("product:list", search="grosse")[0]
    assert (found[0]["sku"], found[0]["attributes"]) == ("A-1", {"colour": "red"})


@pytest.mark.parametrize(
    ("options", "code"),
    [({"profile": "nonesuch"}, "import_columns"), ({"mapping": {"gone": "sku"}}, "import_columns"),
     ({"mapping": {"a": "nonesuch"}}, "import_columns"), ({}, "import_columns"),
     ({"profile": "shopify"}, "import_columns"), ({"mapping": {"a": "sku"}, "store": "1"}, "import_columns"),
     ({"mapping": {"a": "sku"}, "currency": "USD"}, "import_currency")],
)  # fmt: skip
def test_what_does_not_fit_is_said(business: Business, tmp_path: Path, options: dict[str, Any], code: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(PosError) as caught:
        read(business, path, **options)
    assert caught.value.code.code == code


@pytest.mark.parametrize("content", [b"", b'sku,name\n"A', b"sku,name\nA,\xff\xfe\n"])
def test_files_that_are_no_csv_are_refused_in_words(business: Business, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(click.ClickException):
        read(business, path)


def test_lines_with_too_many_cells_are_named(business: Business, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("sku,name,selling_price\nA,Tea,1,2\nB,Bread,1\n")
    found = read(business, path)
    assert [row.sku for row in found.rows] == ["B"]
    assert found.bad[0][0] == 2


SHOPIFY_HEADER = (
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Option1 Name,Option1 Value,Option2 Name,Option2 Value,"
    "Variant SKU,Variant Price,Variant Barcode,Image Src\n"
)
SHOPIFY = """shirt,Shirt,<p>Soft &amp; <b>warm</b></p>,Lanario,men,"a, b",Size,S,Colour,Red,,19.90,,x
shirt,,,,,,,M,,Red,SH-M,21,0400000000107,
shirt,,,,,,,,,,,,,y
cup,Cup,,Lanario,,,Title,Default Title,,,,5.00,,
"""


def test_shopifys_variants_become_products(business: Business, tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text(SHOPIFY_HEADER + SHOPIFY)
    assert load(business, path)["created"] == 3
    products = {row["sku"]: row for row in business.query("product:list")[0]}
    assert products.keys() == {"shirt-s-red", "SH-M", "cup"}
    small = products["shirt-s-red"]
    assert (small["name"], small["unit_price_minor"], small["description"]) == ("Shirt - S / Red", 1990, "Soft & warm")
    assert small["attributes"] == {"Size": "S", "Colour": "Red", "Tags": "a, b"}
    assert products["SH-M"]["barcode"] == "0400000000107"
    assert products["cup"]["name"] == "Cup"


@pytest.mark.slow
@pytest.mark.req("V2X-12")
@pytest.mark.parametrize(
    ("name", "rows"),
    [("catalogue/hr_grocery_prices_2025-07-03.csv.gz", 28_156),
     ("catalogue/il_supermarket_prices_2026-08-14.csv.gz", 46_571),
     ("catalogue/us_products_gtin14.csv.gz", 5_220), ("import_samples/shopify_apparel.csv", 21),
     ("import_samples/shopify_home-and-garden.csv", 20), ("import_samples/shopify_jewelery.csv", 40)],
)  # fmt: skip
def test_real_files_go_in_whole_and_a_second_time_change_nothing(
    business: Business, shared_data: Path, name: str, rows: int
) -> None:
    path = shared_data / name
    with importing.open_csv(path) as (_, lines):
        assert sum(1 for _ in lines) >= rows
    done = load(business, path)
    assert done["bad"] == []
    assert done["created"] == done["rows"] > 0
    again = load(business, path)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, done["rows"])


@pytest.mark.slow
def test_real_prices_are_the_files_prices_to_the_cent(business: Business, shared_data: Path) -> None:
    from decimal import Decimal

    path = shared_data / "catalogue/hr_grocery_prices_2025-07-03.csv.gz"
    load(business, path, store="0204")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        wanted: dict[str, Decimal] = {}
        for line in csv.DictReader(file):
            if line["store_id"] == "0204":
                wanted.setdefault(line["product_id"], Decimal(line["special_price"] or line["price"]))
    rows = business.kernel.db.execute_sql("SELECT sku, unit_price_minor, price_per FROM ops_product").fetchall()
    found = {sku: Decimal(minor) / 100 / per for sku, minor, per in rows}
    assert found == wanted
