"""The demonstration shop's range: invented goods of invented brands, the same at every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stdnum import ean

from pos_core import money
from pos_core.context import Context
from pos_core.ids import uuid7
from pos_ops.catalog.import_schemas import ImportProducts, ImportRow

#: GS1 keeps the prefixes 040 to 049 for numbers inside one company: nobody's goods carry them, and unlike 02 and
#: 20 to 29 scales do not print weights under them.
PREFIX = "0400000"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Goods of one department. `goods`: name and price in hundredths; `kinds`: variants (name, price in per cent)."""

    department: str
    code: str
    category: str
    brand: str
    vendor: str
    tax: str
    goods: tuple[tuple[str, int], ...]
    kinds: tuple[tuple[str, int], ...] = (("", 100),)
    price_per: int = 1
    by_weight: bool = False
    discount: str = ""


# fmt: off
SHELVES = (
    Shelf("Bakery", "BAKERY", "Bread", "Ofenglut", "Molino Ardal", "reduced",
          (("Farmhouse loaf", 340), ("Rye loaf", 365), ("Walnut loaf", 420), ("Seed loaf", 395)),
           (("500 g", 100), ("1 kg", 185))),
    Shelf("Bakery", "BAKERY", "Pastry", "Ofenglut", "Molino Ardal", "reduced",
          (("Butter croissant", 145), ("Almond slice", 260), ("Apple pocket", 220),
           ("Cinnamon roll", 240), ("Cheese stick", 195))),
    Shelf("Produce", "PRODUCE", "Fruit", "Valderrama Huerta", "Valderrama Huerta", "reduced",
          (("Apples, red", 289), ("Apples, green", 279), ("Pears", 319), ("Bananas", 199),
           ("Grapes, white", 449),
           ("Oranges", 229), ("Lemons", 249), ("Plums", 359)), by_weight=True),
    Shelf("Produce", "PRODUCE", "Vegetables", "Valderrama Huerta", "Valderrama Huerta", "reduced",
          (("Tomatoes", 299), ("Carrots", 149), ("Potatoes", 129), ("Onions", 139), ("Courgettes", 259),
           ("Peppers, red", 399)),
          by_weight=True),
    Shelf("Dairy", "DAIRY", "Milk and cream", "Almwinkel", "Lactaria Norte", "reduced",
          (("Whole milk", 139), ("Skimmed milk", 129), ("Oat drink", 199), ("Cream", 249)),
           (("0.5 l", 60), ("1 l", 100))),
    Shelf("Dairy", "DAIRY", "Yoghurt and cheese", "Almwinkel", "Lactaria Norte", "reduced",
          (("Plain yoghurt", 89), ("Strawberry yoghurt", 99), ("Mild cheese", 359), ("Aged cheese", 489),
           ("Goat cheese", 429))),
    Shelf("Grocery", "GROCERY", "Dry goods", "Kornblum", "Tolvane Import", "reduced",
          (("Spaghetti", 149), ("Penne", 149), ("Basmati rice", 279), ("Red lentils", 259),
           ("Rolled oats", 189), ("Plain flour", 119)),
          (("500 g", 100), ("1 kg", 180))),
    Shelf("Grocery", "GROCERY", "Tinned goods", "Kornblum", "Tolvane Import", "reduced",
          (("Chopped tomatoes", 119), ("Chickpeas", 109), ("Sweetcorn", 129), ("Tuna in oil", 249),
           ("Peach halves", 199)),
          (("single", 100), ("pack of 3", 270))),
    Shelf("Drinks", "DRINKS", "Coffee and tea", "Perrido", "Tolvane Import", "standard",
          (("House blend coffee", 649), ("Espresso beans", 799), ("Breakfast tea", 329),
           ("Mint tea", 289)), (("250 g", 100), ("500 g", 190))),
    Shelf("Drinks", "DRINKS", "Cold drinks", "Perrido", "Fuentes del Rey", "standard",
          (("Still water", 69), ("Sparkling water", 79), ("Lemonade", 159), ("Apple juice", 199),
           ("Cola", 169)),
          (("0.5 l", 70), ("1 l", 100), ("6 x 1 l", 560))),
    Shelf("Household", "HOUSEHOLD", "Cleaning", "Blanquel", "Quimera Hogar", "standard",
          (("Washing-up liquid", 219), ("Floor cleaner", 349), ("Glass cleaner", 289), ("Sponges", 149)),
          (("standard", 100), ("refill", 85))),
    Shelf("Household", "HOUSEHOLD", "Paper", "Blanquel", "Quimera Hogar", "standard",
          (("Kitchen roll", 299), ("Paper tissues", 199), ("Napkins", 179)), (("small", 100),
           ("large", 175)), discount="10"),
    Shelf("Hardware", "HARDWARE", "Screws and nails", "Ferrotal", "Ferrotal Werke", "standard",
          (("Wood screw 3 x 20", 1890), ("Wood screw 4 x 40", 2790), ("Wood screw 5 x 60", 4290),
           ("Wire nail 2 x 30", 1290)),
          (("zinc", 100), ("stainless", 240)), price_per=1000),
    Shelf("Hardware", "HARDWARE", "Tools", "Ferrotal", "Ferrotal Werke", "standard",
          (("Claw hammer", 1690), ("Screwdriver", 690), ("Combination pliers", 1290),
           ("Tape measure", 890), ("Spirit level", 2190)),
          (("basic", 100), ("pro", 220))),
    Shelf("Stationery", "STATIONERY", "Writing", "Tintoro", "Papiria", "standard",
          (("Ball pen", 129), ("Pencil", 79), ("Highlighter", 149), ("Notebook A5", 349), ("Notebook A4", 449)),
          (("blue", 100), ("black", 100), ("red", 100))),
    Shelf("Books", "BOOKS", "Local interest", "Papiria", "Papiria", "zero",
          (("Walks around the valley", 1490), ("The old harbour", 1890), ("Cooking with chestnuts", 2290),
           ("Bird songs", 1290))),
    Shelf("Clothing", "CLOTHING", "Basics", "Lanario", "Lanario Textil", "standard",
          (("T-shirt", 1290), ("Wool socks", 890), ("Rain jacket", 5990), ("Knitted cap", 1590)),
          (("S", 100), ("M", 100), ("L", 100), ("XL", 110))),
    Shelf("Garden", "GARDEN", "Seeds and soil", "Terrabel", "Vivero Sol", "standard",
          (("Potting soil", 599), ("Tomato seeds", 249), ("Basil seeds", 229), ("Clay pot", 399)),
           (("small", 100), ("large", 190))),
    Shelf("Personal care", "CARE", "Soap and hair", "Salvira", "Quimera Hogar", "standard",
          (("Bar of soap", 149), ("Shower gel", 249), ("Shampoo", 299), ("Hand cream", 329), ("Toothpaste", 199),
           ("Comb", 259)), (("lavender", 100), ("citrus", 100), ("unscented", 95))),
    Shelf("Toys", "TOYS", "Games and toys", "Juguvio", "Papiria", "standard",
          (("Wooden blocks", 1990), ("Jigsaw", 1290), ("Card game", 890), ("Spinning top", 490), ("Kite", 1590)),
          (("small", 100), ("medium", 130), ("large", 170), ("deluxe", 240))),
)
# fmt: on


def barcode(number: int) -> str:
    """A valid EAN-13 of the demonstration: the prefix, five digits of `number`, the check digit."""
    body = f"{PREFIX}{number:05d}"
    return body + str(ean.calc_check_digit(body))


def rows(currency: str) -> Iterator[ImportRow]:
    """The range as rows of an import, with prices of the currency's decimals."""
    decimals = money.currency_decimals(currency)

    def price(hundredths: int) -> str:
        scaled = hundredths * 10 ** (decimals - 2) if decimals >= 2 else hundredths
        return money.format_scaled(scaled, decimals, trim=False)

    number = 0
    for shelf in SHELVES:
        for name, hundredths in shelf.goods:
            for kind, per_cent in shelf.kinds:
                number += 1
                sold = hundredths * per_cent // 100
                yield ImportRow(**_row(shelf, f"{name}, {kind}" if kind else name, number),
                                selling_price=price(sold), cost_price=price(max(1, sold * 62 // 100)))  # fmt: skip
    yield ImportRow(line=number + 1, sku="OPEN-1", name="Sundries", department_code="SUNDRIES", department="Sundries",
                    tax_rate_code="standard", open_price="yes", description="The till asks for the price.")  # fmt: skip
    yield ImportRow(line=number + 2, sku="GIFT-WRAP", name="Gift wrapping", department_code="SUNDRIES",
                    department="Sundries", tax_rate_code="standard", selling_price=price(250))  # fmt: skip


def _row(shelf: Shelf, name: str, number: int) -> dict[str, Any]:
    return {
        "line": number, "sku": f"{shelf.code[:4]}-{number:04d}", "barcode": "" if shelf.by_weight else barcode(number),
        "name": name, "department_code": shelf.code, "department": shelf.department, "category": shelf.category,
        "brand": shelf.brand, "vendor": shelf.vendor, "tax_rate_code": shelf.tax, "price_per": str(shelf.price_per),
        "sold_by_weight": "yes" if shelf.by_weight else "no", "discount": shelf.discount,
        "attributes": {"sold_by": "kg"} if shelf.by_weight else {},
    }  # fmt: skip


def load(ctx: Context) -> None:
    """Put the demonstration range into the catalogue."""
    made = list(rows(ctx.kernel.currency))
    ctx.perform("catalog:import", ImportProducts(id=uuid7(), rows=made, source="demonstration"))
