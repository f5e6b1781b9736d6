"""Which columns of a file mean what, and which rows are sales.

A profile is data. Its mapping says for each field of a receipt line from which column, or columns joined by `+`, it
comes: amounts of several columns are added up, texts are joined with a hyphen. docs/replay.md lists the fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from pos_core import clock, money
from pos_core.replay.errors import ReplayError

Row = Mapping[str, str]

#: Every field that a column can be mapped to; docs/replay.md explains each.
FIELDS = (
    "receipt", "time", "sku", "name", "quantity", "unit_price", "line_amount", "discount", "coupon", "customer",
    "tender", "choices", "department",
)  # fmt: skip
_CONDITION = re.compile(r"\s*(\S+)\s*(>=|<=|!=|=|>|<|~)\s*(.*?)\s*")
_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """A test that a row must pass to be a sale: `quantity > 0`, `kind = sale`, `invoice_no ~ ^[0-9]+$`.

    `=` and `!=` compare numbers where both sides are numbers, else texts; `~` is a regular expression that must be
    found in the value.
    """

    column: str
    operator: str
    value: str
    number: Decimal | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", _decimal(self.value))

    @classmethod
    def parse(cls, text: str) -> Condition:
        """The condition of a text; ReplayError where it is none."""
        match = _CONDITION.fullmatch(text)
        if match is None:
            raise ReplayError(f"{text!r} is no condition: write COLUMN OPERATOR VALUE, such as 'quantity > 0'")
        made = cls(*match.groups())
        if made.operator == "~":
            try:
                re.compile(made.value)
            except re.error as error:
                raise ReplayError(f"{text!r}: {error}") from error
        elif made.operator in _COMPARE and made.number is None:
            raise ReplayError(f"{text!r}: {made.operator} compares with a number")
        return made

    def holds(self, row: Row) -> bool:
        """Whether the row passes. What is no number passes no comparison of size."""
        given = row[self.column].strip()
        if self.operator == "~":
            return re.search(self.value, given) is not None
        left, right = _decimal(given), self.number
        if self.operator in _COMPARE:
            return left is not None and right is not None and _COMPARE[self.operator](left, right)
        equal = left == right if left is not None and right is not None else given == self.value
        return equal == (self.operator == "=")

    def __str__(self) -> str:
        return f"{self.column} {self.operator} {self.value}"


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


@dataclass(frozen=True, slots=True)
class Opening:
    """Times for a file that has none: receipt n of the file is sold on day n // per_day, `minutes` apart."""

    first_day: str
    opens: str = "11:00"
    minutes: int = 7
    per_day: int = 90

    def at(self, place: int) -> datetime:
        """The local time, without a zone, of the receipt at this place in the file (from 0)."""
        day, turn = divmod(place, self.per_day)
        begin = datetime.fromisoformat(f"{self.first_day}T{self.opens}")
        return begin + timedelta(days=day, minutes=turn * self.minutes)


@dataclass(frozen=True, slots=True)
class Companion:
    """A second file beside the first that knows products: its key column, and columns that make name and department."""

    file: str
    key: str
    name: tuple[str, ...]
    department: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """How a file is read. `columns` maps fields to columns, `where` tells sales from other rows, `zone` is the shop's
    (IANA), `currency` the amounts' (ISO 4217)."""

    name: str
    about: str
    columns: Mapping[str, str]
    where: tuple[Condition, ...] = ()
    zone: str = "UTC"
    currency: str = "EUR"
    upper_sku: bool = False
    opening: Opening | None = None
    companion: Companion | None = None
    sources: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        split = {name: tuple(given.split("+")) for name, given in self.columns.items() if given}
        object.__setattr__(self, "sources", MappingProxyType(split))

    def adapted(
        self, mapping: Iterable[str] = (), where: Iterable[str] = (), zone: str | None = None,
        currency: str | None = None,
    ) -> Profile:
        """This profile with `FIELD=COLUMN` pairs and conditions of one's own; an empty COLUMN takes a field away.

        Conditions given here replace the profile's; the profile's own follow a column that was mapped elsewhere.
        ReplayError names what is wrong.
        """
        columns = dict(self.columns)
        for pair in mapping:
            name, equals, column = pair.partition("=")
            if not equals or name not in FIELDS:
                raise ReplayError(f"--map {pair!r}: write FIELD=COLUMN; the fields are {', '.join(FIELDS)}")
            columns[name] = column
        moved = {self.columns[name]: columns[name] for name in self.columns if columns[name]}
        conditions = tuple(Condition.parse(text) for text in where) or tuple(
            replace(condition, column=moved.get(condition.column, condition.column)) for condition in self.where
        )
        adapted = replace(
            self, columns=columns, where=conditions, zone=zone or self.zone, currency=currency or self.currency
        )
        adapted.check()
        return adapted

    def fitted(self, header: Iterable[str], mapping: Iterable[str]) -> Profile:
        """This profile without the fields that the file has no column for and that nobody mapped."""
        have, given = set(header), {pair.partition("=")[0] for pair in mapping}
        columns = {name: column for name, column in self.columns.items() if column in have or name in given}
        return replace(self, columns=columns)

    def check(self) -> None:
        """ReplayError where the profile cannot give receipts."""
        wanted = [name for name in ("receipt", "quantity") if name not in self.sources]
        if not {"sku", "name"} & self.sources.keys():
            wanted.append("sku or name")
        if not {"unit_price", "line_amount"} & self.sources.keys():
            wanted.append("unit_price or line_amount")
        if "time" not in self.sources and self.opening is None:
            wanted.append("time")
        if wanted:
            raise ReplayError(f"no column is mapped to {', '.join(wanted)}; use --map FIELD=COLUMN")
        try:
            clock.zone(self.zone)
            money.currency_decimals(self.currency)
        except ValueError as error:
            raise ReplayError(str(error)) from error

    def missing(self, header: Iterable[str]) -> list[str]:
        """The columns that the profile wants and a file's header does not have."""
        have = set(header)
        wanted = [column for source in self.sources.values() for column in source]
        wanted += [condition.column for condition in self.where]
        return [column for column in dict.fromkeys(wanted) if column not in have]


def _where(*texts: str) -> tuple[Condition, ...]:
    return tuple(Condition.parse(text) for text in texts)


PLAIN = Profile(
    "plain", "A file whose columns are called like the fields: receipt, time, sku, name, quantity, unit_price.",
    {name: name for name in ("receipt", "time", "sku", "name", "quantity", "unit_price")},
    where=_where("quantity > 0"),
)  # fmt: skip

ONLINE_RETAIL = Profile(
    "online-retail", "Invoices of a gift-ware seller (UCI Online Retail): sale rows only, no credit notes.",
    {"receipt": "invoice_no", "time": "invoice_ts", "sku": "stock_code", "name": "description",
     "quantity": "quantity", "unit_price": "unit_price", "customer": "customer_id"},
    where=_where("invoice_no ~ ^[0-9]+$", "quantity > 0", "unit_price > 0"),
    zone="Europe/London", currency="GBP", upper_sku=True,
)  # fmt: skip

GROCERY = Profile(
    "grocery", "Baskets of a grocery chain (Complete Journey): shelf value, loyalty discounts, makers' coupons.",
    {"receipt": "basket_id", "time": "transaction_ts", "sku": "product_id", "quantity": "quantity",
     "line_amount": "sales_value+retail_disc+coupon_match_disc", "discount": "retail_disc+coupon_match_disc",
     "coupon": "coupon_disc", "customer": "household_id"},
    where=_where("quantity > 0"),
    zone="America/New_York", currency="USD",
    companion=Companion("grocery_products.csv.gz", "product_id", ("product_type", "package_size"), "department"),
)  # fmt: skip

TAKEAWAY = Profile(
    "takeaway", "Orders of a takeaway restaurant; a dish is known by its name.",
    {"receipt": "order_number", "time": "order_ts", "name": "item_name", "quantity": "quantity",
     "unit_price": "unit_price"},
    where=_where("quantity > 0"), zone="Europe/London", currency="GBP",
)  # fmt: skip

BURRITO = Profile(
    "burrito", "Orders with chosen options and no times: each gets a made-up, always equal time.",
    {"receipt": "order_id", "name": "item_name", "quantity": "quantity", "line_amount": "line_price",
     "choices": "choices"},
    where=_where("quantity > 0"), zone="America/New_York", currency="USD", opening=Opening("2012-07-02"),
)  # fmt: skip

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {profile.name: profile for profile in (PLAIN, ONLINE_RETAIL, GROCERY, TAKEAWAY, BURRITO)}
)


def guess(header: Iterable[str]) -> Profile:
    """The named profile whose columns a header has all; ReplayError when none fits."""
    columns = list(header)
    for profile in PROFILES.values():
        if not profile.missing(columns):
            return profile
    raise ReplayError(
        f"no profile fits the columns {', '.join(columns)}: choose one with --profile "
        f"({', '.join(PROFILES)}) or map the columns with --map"
    )
