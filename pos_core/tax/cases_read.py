"""Reads a file of tax cases: JSON with decimal strings, described in ``docs/tax.md``.

Two kinds of trouble are kept apart. :class:`CaseFileError`: the file cannot be read as such a file.
:class:`Unsupported`: one case asks for something that is not known here, so that case fails; nothing unknown
is ever skipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pos_core.tax import types
from pos_core.tax.exact import ExactRounding, ExactTax
from pos_core.tax.rounding import MODES

TIERS = ("core", "extended", "policy")
TYPES = {
    "percent": types.PERCENT,
    "fixed_per_unit": types.FIXED_PER_UNIT,
    "percent_of_gross": types.PERCENT_OF_GROSS,
    "reverse_charge_percent": types.REVERSE_CHARGE,
    "reverse_charge_percent_of_gross": types.REVERSE_CHARGE_OF_GROSS,
}
Entry = dict[str, Any]
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")
_CASE_KEYS = {"id", "kind", "tier", "recomputed", "rounding", "taxes", "lines", "expected", "compare_to"}
_CASE_EXTRAS = {"tags", "source", "note", "order_discount", "swap_to"}
_TAX_KEYS = {
    "key",
    "type",
    "amount",
    "price_includes",
    "adds_to_base_of_later_taxes",
    "base_takes_earlier_taxes",
}


class CaseFileError(Exception):
    """The file, or a place in it that the message names, is not what a file of cases holds."""


class Unsupported(Exception):
    """A case names a kind, a key or a value that is not known."""


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A line as written: ``price`` per unit, ``discount`` in percent, of price x quantity before taxes."""

    quantity: Fraction
    price: Fraction
    discount: Fraction
    taxes: tuple[ExactTax, ...]


@dataclass(frozen=True, slots=True)
class OrderDiscount:
    """A discount on the whole order: an amount or a percent, taken from ``net_total`` or ``grand_total``."""

    taken_from: str
    amount: Fraction | None
    percent: Fraction | None


@dataclass(frozen=True, slots=True)
class Case:
    """One parsed case; ``expected`` is as it stands in the file."""

    id: str
    kind: str
    tier: str
    recomputed: str
    rounding: ExactRounding
    lines: tuple[CaseLine, ...]
    expected: Mapping[str, object]
    compare_to: Fraction
    order_discount: OrderDiscount | None
    swap_to: tuple[ExactTax, ...]
    tax_keys: frozenset[str]


def decimal(value: object, where: str) -> Fraction:
    """Return a decimal string exactly. Raises CaseFileError naming ``where`` for anything else."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise CaseFileError(f"{where}: {value!r} is not a decimal string")
    return Fraction(value)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise CaseFileError(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found


def read_cases(path: Path) -> list[Entry]:
    """Return the raw cases of a file. Raises CaseFileError when it is unreadable or not a file of cases."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_unique)
    except OSError as error:
        raise CaseFileError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CaseFileError(f"{path}: not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise CaseFileError(f"{path}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise CaseFileError(f"{path}: nested too deeply") from error
    except CaseFileError as error:
        raise CaseFileError(f"{path}: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("cases"), list):
        raise CaseFileError(f"{path}: expected an object with a list named 'cases'")
    if content.get("schema") != 1:
        raise CaseFileError(f"{path}: schema is {content.get('schema')!r}, only 1 is known")
    cases: list[Entry] = content["cases"]
    seen: set[str] = set()
    for number, raw in enumerate(cases):
        where = f"{path}: cases[{number}]"
        if not isinstance(raw, dict) or not isinstance(raw.get("id"), str) or not raw["id"]:
            raise CaseFileError(f"{where}: not an object with an id")
        if raw["id"] in seen:
            raise CaseFileError(f"{where}: the id {raw['id']} stands twice")
        seen.add(raw["id"])
        if raw.get("tier") not in TIERS:
            raise CaseFileError(f"{where} ({raw['id']}): tier {raw.get('tier')!r} is none of {', '.join(TIERS)}")
    return cases


def _object(value: object, where: str, needed: set[str], extras: Collection[str] = ()) -> Entry:
    if not isinstance(value, dict):
        raise CaseFileError(f"{where}: not an object")
    missing = sorted(needed - value.keys())
    if missing:
        raise CaseFileError(f"{where}: {', '.join(missing)} missing")
    unknown = sorted(value.keys() - needed - set(extras))
    if unknown:
        raise Unsupported(f"{where}: unknown key {', '.join(unknown)}")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise CaseFileError(f"{where}: not a list")
    return value


def parse_case(raw: Entry) -> Case:
    """Return one case ready to compute. Raises CaseFileError for broken data, Unsupported for the unknown."""
    name = raw["id"]
    _object(raw, name, _CASE_KEYS, _CASE_EXTRAS)
    taxes: dict[str, ExactTax] = {}
    for number, entry in enumerate(_list(raw["taxes"], f"{name}: taxes")):
        tax = _tax(entry, f"{name}: taxes[{number}]")
        if tax.id in taxes:
            raise CaseFileError(f"{name}: taxes[{number}]: the key {tax.id!r} stands twice")
        taxes[tax.id] = tax
    lines = tuple(
        _line(entry, f"{name}: lines[{number}]", taxes)
        for number, entry in enumerate(_list(raw["lines"], f"{name}: lines"))
    )
    if not lines:
        raise CaseFileError(f"{name}: lines: empty")
    expected = raw["expected"]
    if not isinstance(expected, dict) or not expected:
        raise CaseFileError(f"{name}: expected: not an object with something to compare")
    compare_to = decimal(raw["compare_to"], f"{name}: compare_to")
    if compare_to <= 0:
        raise CaseFileError(f"{name}: compare_to: must be above zero")
    return Case(
        name,
        str(raw["kind"]),
        raw["tier"],
        str(raw["recomputed"]),
        _rounding(raw["rounding"], f"{name}: rounding"),
        lines,
        expected,
        compare_to,
        _order_discount(raw, name),
        _taxes_named(raw.get("swap_to", []), f"{name}: swap_to", taxes),
        frozenset(taxes),
    )


def _tax(entry: object, where: str) -> ExactTax:
    entry = _object(entry, where, _TAX_KEYS)
    if entry["type"] not in TYPES:
        raise Unsupported(f"{where}: unknown type {entry['type']!r}")
    flags = [entry["price_includes"], entry["adds_to_base_of_later_taxes"], entry["base_takes_earlier_taxes"]]
    if not isinstance(entry["key"], str) or not all(isinstance(flag, bool) for flag in flags):
        raise CaseFileError(f"{where}: key must be text and the three flags true or false")
    rate = decimal(entry["amount"], f"{where}.amount")
    kind = TYPES[entry["type"]]
    return ExactTax(entry["key"], kind, rate if kind == types.FIXED_PER_UNIT else rate / 100, *flags)


def _taxes_named(names: object, where: str, taxes: Mapping[str, ExactTax]) -> tuple[ExactTax, ...]:
    named = []
    for name in _list(names, where):
        if not isinstance(name, str) or name not in taxes:
            raise CaseFileError(f"{where}: no tax has the key {name!r}")
        named.append(taxes[name])
    if len(set(named)) != len(named):
        raise Unsupported(f"{where}: the same tax twice on one line")
    return tuple(named)


def _line(entry: object, where: str, taxes: Mapping[str, ExactTax]) -> CaseLine:
    entry = _object(entry, where, {"qty", "price", "discount_percent", "taxes"})
    return CaseLine(
        decimal(entry["qty"], f"{where}.qty"),
        decimal(entry["price"], f"{where}.price"),
        decimal(entry["discount_percent"], f"{where}.discount_percent"),
        _taxes_named(entry["taxes"], f"{where}.taxes", taxes),
    )


def _rounding(entry: object, where: str) -> ExactRounding:
    entry = _object(entry, where, {"when", "mode", "unit"})
    unit = decimal(entry["unit"], f"{where}.unit")
    if unit <= 0:
        raise CaseFileError(f"{where}.unit: must be above zero")
    if entry["when"] not in ("none", "line", "document"):
        raise Unsupported(f"{where}.when: unknown {entry['when']!r}")
    if entry["mode"] not in MODES:
        raise Unsupported(f"{where}.mode: unknown {entry['mode']!r}")
    return ExactRounding(entry["when"], entry["mode"], unit)


def _order_discount(raw: Entry, name: str) -> OrderDiscount | None:
    if "order_discount" not in raw:
        return None
    where = f"{name}: order_discount"
    entry = _object(raw["order_discount"], where, {"taken_from"}, {"amount", "percent"})
    if ("amount" in entry) == ("percent" in entry):
        raise CaseFileError(f"{where}: needs either amount or percent")
    if entry["taken_from"] not in ("net_total", "grand_total"):
        raise Unsupported(f"{where}.taken_from: unknown {entry['taken_from']!r}")
    amount = decimal(entry["amount"], f"{where}.amount") if "amount" in entry else None
    percent = decimal(entry["percent"], f"{where}.percent") if "percent" in entry else None
    return OrderDiscount(entry["taken_from"], amount, percent)
