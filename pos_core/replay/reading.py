"""Rows of a CSV file as receipts, one at a time: memory does not grow with the file."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from hashlib import blake2b, sha256
from pathlib import Path

from pos_core import clock, money
from pos_core.replay.errors import ReplayError
from pos_core.replay.profiles import Profile, Row

MAX_PRICE_PER = 1_000_000
MAX_SKU = 50
KEPT_PRODUCTS = 50_000
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Discount:
    """An amount taken off a line: minor units, and the column it comes from."""

    source: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class SoldLine:
    """One sold line. quantity: thousandths; unit_price_minor buys price_per units; total_minor after discounts."""

    sku: str
    name: str
    department: str
    quantity: int
    unit_price_minor: int
    price_per: int
    discounts: tuple[Discount, ...]
    coupon_minor: int
    total_minor: int
    choices: str = ""


@dataclass(slots=True)
class Receipt:
    """A receipt as the file has it: number, moment (UTC), the customer's mark in the file, how it was paid."""

    number: str
    sold_at: datetime
    customer: str
    tender: str
    lines: list[SoldLine] = field(default_factory=list)

    @property
    def total_minor(self) -> int:
        return sum(line.total_minor for line in self.lines)

    @property
    def coupon_minor(self) -> int:
        return sum(line.coupon_minor for line in self.lines)


@dataclass(slots=True)
class Skipped:
    """Rows that are no sale, by the condition that they do not meet."""

    rows: Counter[str] = field(default_factory=Counter)
    read: int = 0


@contextmanager
def open_rows(path: Path) -> Iterator[csv.DictReader[str]]:
    """The file's rows by column; gzip by its first bytes. ReplayError when it cannot be read."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            with io.TextIOWrapper(gzip.open(raw) if packed else raw, encoding="utf-8-sig", newline="") as text:
                rows = csv.DictReader(text)
                if not rows.fieldnames:
                    raise ReplayError(f"{path}: it is empty; the first line must name the columns")
                yield rows
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise ReplayError(f"{path} cannot be read: {error}") from error


def header_of(path: Path) -> list[str]:
    """The names of the file's columns."""
    with open_rows(path) as rows:
        return list(rows.fieldnames or ())


class Reader:
    """Reads one file by one profile. `skipped` counts the rows that are no sales while `receipts` goes on."""

    def __init__(self, path: Path, profile: Profile) -> None:
        missing = profile.missing(header_of(path))
        if missing:
            raise ReplayError(f"{path.name} has no column {', '.join(missing)}: is {profile.name} the right profile?")
        self.path, self.profile = path, profile
        self.skipped = Skipped()
        self._zone = clock.zone(profile.zone)
        self._decimals = money.currency_decimals(profile.currency)
        self._products = self._read_companion()
        self._seen: dict[tuple[str, str, str], tuple[str, str, str]] = {}

    def receipts(self, limit: int | None = None) -> Iterator[Receipt]:
        """The receipts in the file's order, at most `limit`. The rows of a receipt must stand together.

        ReplayError names the line that cannot be read, or the receipt whose rows are scattered: its second part would
        be another sale with the first one's number.
        """
        self.skipped = Skipped()
        seen: set[bytes] = set()
        current: Receipt | None = None
        with open_rows(self.path) as rows:
            for row in self._sales(rows):
                number = self._text(row, "receipt", "-")
                if current is None or number != current.number:
                    if current is not None:
                        yield current
                    if limit is not None and len(seen) >= limit:
                        return
                    mark = blake2b(number.encode(), digest_size=8).digest()
                    if mark in seen:
                        raise ReplayError(
                            f"{self.path.name} line {rows.line_num}: receipt {number} appears a second time; sort the "
                            "file by receipt, or map more columns: --map receipt=DATE+NUMBER"
                        )
                    current = self._begin(row, number, len(seen), rows.line_num)
                    seen.add(mark)
                current.lines.append(self._line(row, rows.line_num))
        if current is not None:
            yield current

    def _sales(self, rows: csv.DictReader[str]) -> Iterator[Row]:
        conditions = self.profile.where
        width = len(rows.fieldnames or ())
        for row in rows:
            if None in row or len(row) != width or None in row.values():
                raise ReplayError(f"{self.path.name} line {rows.line_num}: it does not have {width} fields")
            self.skipped.read += 1
            failed = next((condition for condition in conditions if not condition.holds(row)), None)
            if failed is not None:
                self.skipped.rows[f"not {failed}"] += 1
            elif self._amount_columns_are_zero(row):
                self.skipped.rows["worth nothing before discounts"] += 1
            else:
                yield row

    def _amount_columns_are_zero(self, row: Row) -> bool:
        """A line amount of exactly zero has no price: nothing was sold that a till could ring up."""
        columns = self.profile.sources.get("line_amount", ())
        return bool(columns) and all(not row[column].strip("0. ") for column in columns)

    def _begin(self, row: Row, number: str, place: int, line: int) -> Receipt:
        if not number:
            raise ReplayError(f"{self.path.name} line {line}: the receipt has no number")
        return Receipt(
            number, self._moment(row, place, line), self._text(row, "customer", "-"), self._text(row, "tender").lower()
        )

    def _moment(self, row: Row, place: int, line: int) -> datetime:
        """The moment in UTC; of an hour that the clocks show twice, the first."""
        if "time" not in self.profile.sources:
            assert self.profile.opening is not None
            local = self.profile.opening.at(place)
        else:
            text = self._text(row, "time", " ")
            try:
                local = datetime.fromisoformat(text)
            except ValueError as error:
                raise ReplayError(
                    f"{self.path.name} line {line}: {text!r} is no time such as 2026-01-31 17:05:00"
                ) from error
        return (local if local.tzinfo else local.replace(tzinfo=self._zone)).astimezone(UTC)

    def _line(self, row: Row, at: int) -> SoldLine:
        quantity = self._number(row, "quantity", at) * money.QUANTITY_SCALE
        if quantity != int(quantity) or quantity <= 0:
            raise ReplayError(f"{self.path.name} line {at}: a quantity is above zero with up to 3 decimals")
        price, per, gross = self._price(row, int(quantity), at)
        discounts = tuple(
            Discount(column, amount)
            for column in self.profile.sources.get("discount", ())
            if (amount := self._minor(row, column, at)) > 0
        )
        coupon = sum(self._minor(row, column, at) for column in self.profile.sources.get("coupon", ()))
        total = gross - sum(discount.amount_minor for discount in discounts)
        if total < 0 or coupon < 0:
            raise ReplayError(f"{self.path.name} line {at}: more is taken off than the line is worth")
        sku, name, department = self._product(row)
        if not sku:
            raise ReplayError(f"{self.path.name} line {at}: neither a code nor a name says what was sold")
        return SoldLine(sku, name, department, int(quantity), price, per, discounts, coupon, total,
                        _one_line(self._text(row, "choices", " ")))

    def _price(self, row: Row, quantity: int, at: int) -> tuple[int, int, int]:
        """Unit price (minor), for how many units it is, and the line's amount rounded half up.

        A price below the minor unit is the price of 10, 100, ... units. A line amount that its quantity does not divide
        is the price of that quantity, so that the line comes out exactly.
        """
        if "line_amount" in self.profile.sources:
            amount = sum(self._minor(row, column, at) for column in self.profile.sources["line_amount"])
            each, odd = divmod(amount * money.QUANTITY_SCALE, quantity)
            if not odd:
                return each, 1, amount
            units, part = divmod(quantity, money.QUANTITY_SCALE)
            if part or units > MAX_PRICE_PER:
                raise ReplayError(f"{self.path.name} line {at}: no unit price gives this amount for this quantity")
            return amount, units, amount
        price, per = self._number(row, "unit_price", at).scaleb(self._decimals), 1
        while price != int(price) and per < MAX_PRICE_PER:
            price, per = price * 10, per * 10
        if price != int(price) or price < 0:
            raise ReplayError(f"{self.path.name} line {at}: {row[self.profile.sources['unit_price'][0]]!r} is no price")
        return int(price), per, _half_up(int(price) * quantity, per * money.QUANTITY_SCALE)

    def _number(self, row: Row, name: str, at: int) -> Decimal:
        columns = self.profile.sources[name]
        if len(columns) == 1:
            return self._decimal(row, columns[0], at)
        return sum((self._decimal(row, column, at) for column in columns), _ZERO)

    def _minor(self, row: Row, column: str, at: int) -> int:
        amount = self._decimal(row, column, at).scaleb(self._decimals)
        if amount != int(amount):
            raise ReplayError(f"{self.path.name} line {at}: {row[column]!r} has more decimals than the currency")
        return int(amount)

    def _decimal(self, row: Row, column: str, at: int) -> Decimal:
        text = row[column].strip()
        try:
            value = Decimal(text) if text else _ZERO
        except InvalidOperation as error:
            raise ReplayError(f"{self.path.name} line {at}: {column} {text!r} is no decimal number") from error
        if not value.is_finite():
            raise ReplayError(f"{self.path.name} line {at}: {column} {text!r} is no amount")
        return value

    def _text(self, row: Row, name: str, between: str = " ") -> str:
        columns = self.profile.sources.get(name, ())
        return row[columns[0]].strip() if len(columns) == 1 else between.join(row[c].strip() for c in columns)

    def _product(self, row: Row) -> tuple[str, str, str]:
        """Code, name and department; the same few thousand texts come again and again, hence the memory."""
        given = (self._text(row, "sku", "-"), self._text(row, "name"), self._text(row, "department"))
        made = self._seen.get(given)
        if made is None:
            if len(self._seen) >= KEPT_PRODUCTS:
                self._seen.clear()
            made = self._seen[given] = self._make_product(*map(_one_line, given))
        return made

    def _make_product(self, code: str, name: str, department: str) -> tuple[str, str, str]:
        sku = _fitting(code.upper() if self.profile.upper_sku else code) if code else code_of(name)
        known = self._products.get(code, ("", ""))
        return sku, (name or known[0])[:100].strip(), department or known[1]

    def _read_companion(self) -> dict[str, tuple[str, str]]:
        """Names and departments from the companion file, when it lies beside the file."""
        wanted = self.profile.companion
        if wanted is None or not (path := self.path.parent / wanted.file).exists():
            return {}
        with open_rows(path) as rows:
            lacks = {wanted.key, *wanted.name, *filter(None, [wanted.department])} - set(rows.fieldnames or ())
            if lacks:
                raise ReplayError(f"{path.name} has no column {', '.join(sorted(lacks))}")
            return {
                row[wanted.key]: (
                    _one_line(" ".join(row[column] for column in wanted.name)),
                    _one_line(row[wanted.department]) if wanted.department else "",
                )
                for row in rows
            }


def _half_up(amount: int, divisor: int) -> int:
    """amount / divisor, both above or at zero, rounded half up."""
    return (2 * amount + divisor) // (2 * divisor)


def _one_line(text: str) -> str:
    """One line with single blanks: what a name may look like."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


def code_of(name: str) -> str:
    """A code for an article that is known by its name only: the name in capitals, at most 50 characters.

    Two names get one code only where they differ by nothing but case.

    >>> code_of("Chips and Roasted Chili-Corn Salsa")
    'CHIPS AND ROASTED CHILI-CORN SALSA'
    """
    return _fitting(name.upper())


def _fitting(code: str) -> str:
    return code if len(code) <= MAX_SKU else f"{code[: MAX_SKU - 11]}-{_digest(code)}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:10].upper()
