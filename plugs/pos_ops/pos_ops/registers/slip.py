"""The close slip as text: what a receipt printer prints when a drawer is closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pos_core import money

WIDTH = 42

_WORDS = {
    "en": {
        "title": "REGISTER CLOSE", "register": "Register", "session": "Session", "day": "Business date",
        "cashier": "Cashier", "closed_by": "Closed by", "opened": "Opened", "closed": "Closed", "sales": "Sales",
        "float": "Float", "expected": "Expected", "counted": "Counted", "taken": "Not counted", "over": "Over",
        "short": "Short", "even": "Difference", "total": "TOTAL", "marked": "LARGE DIFFERENCE: TELL THE MANAGER",
        "code": "Record",
    },
    "es": {
        "title": "CIERRE DE CAJA", "register": "Caja", "session": "Sesión", "day": "Día comercial",
        "cashier": "Cajero", "closed_by": "Cerrada por", "opened": "Apertura", "closed": "Cierre",
        "sales": "Ventas", "float": "Fondo", "expected": "Esperado", "counted": "Contado", "taken": "Sin contar",
        "over": "Sobrante", "short": "Faltante", "even": "Diferencia", "total": "TOTAL",
        "marked": "DIFERENCIA GRANDE: AVISE AL ENCARGADO", "code": "Registro",
    },
}  # fmt: skip


def as_text(slip: Mapping[str, Any], language: str) -> str:
    """The slip in English or Spanish, 42 characters wide, one line feed after each line."""
    words = _WORDS["es" if language == "es" else "en"]

    def amount(minor: int) -> str:
        return money.format_money(minor, slip["currency"], language).replace("\xa0", " ").replace("\u202f", " ")

    def figures(line: Mapping[str, Any], declared: bool) -> list[str]:
        off = line["over_short_minor"]
        difference = words["even"] if off == 0 else words["over"] if off > 0 else words["short"]
        return [
            _row("  " + words["expected"], amount(line["expected_minor"])),
            _row("  " + words["counted" if declared else "taken"], amount(line["counted_minor"])),
            _row("  " + difference, amount(abs(off))),
        ]

    lines = [
        slip["business"][:WIDTH].center(WIDTH), slip["store_name"][:WIDTH].center(WIDTH),
        words["title"].center(WIDTH), "-" * WIDTH,
        _row(words["register"], slip["register_code"]), _row(words["session"], str(slip["number"])),
        _row(words["day"], slip["business_date"]), _row(words["cashier"], slip["cashier"]),
        _row(words["opened"], slip["opened_at"]), _row(words["closed"], slip["closed_at"]),
        _row(words["closed_by"], slip["closed_by"]), _row(words["sales"], str(slip["sales_count"])),
        _row(words["float"], amount(slip["float_minor"])), "-" * WIDTH,
    ]  # fmt: skip
    for line in slip["lines"]:
        lines.append(line["name"][:WIDTH])
        lines += [
            _row(f"  {piece['count']} x {amount(piece['value_minor'])}", amount(piece["count"] * piece["value_minor"]))
            for piece in line["denominations"] or ()
        ]
        lines += figures(line, line["is_declared"])
    lines += ["-" * WIDTH, words["total"], *figures(slip, True)]
    if slip["is_marked"]:
        lines += ["", words["marked"].center(WIDTH)]
    lines += ["-" * WIDTH, _row(words["code"], f"{slip['chain_seq']} {slip['chain_code']}")]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _row(left: str, right: str) -> str:
    """A line with words at its left and a figure at its right; what does not fit goes from the left words."""
    right = right[:WIDTH]
    room = max(WIDTH - len(right) - 1, 0)
    return f"{left[:room]:<{room}} {right}" if room else right
