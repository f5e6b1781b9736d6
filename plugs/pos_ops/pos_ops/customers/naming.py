"""Codes, names and search keys of customers: decided from their arguments alone."""

from __future__ import annotations

import re
import unicodedata

_NO_DIGIT = re.compile(r"[^0-9]+")
_PHONE = re.compile(r"[0-9+()./ -]*")


def code_of(prefix: str, number: int) -> str:
    """The code of the n-th customer: ("CUST-", 42) gives CUST-00042; beyond 99999 it grows."""
    return f"{prefix}{number:05}"


def shown_name(first_name: str, last_name: str, company: str) -> str:
    """What a customer is called on a receipt: the person's name, else the company's."""
    return " ".join(part for part in (first_name, last_name) if part) or company


def fold(text: str) -> str:
    """Text as it is compared: case and accents gone. "Müller" gives "muller"."""
    # Upper case first: some letters (dotless i, long s) have one capital with another and are told apart only below.
    parts = unicodedata.normalize("NFKD", text.upper().casefold())
    return "".join(c for c in parts if not unicodedata.combining(c)).upper().casefold()


def search_key(code: str, first_name: str, last_name: str, company: str, email: str, phone: str) -> str:
    """Everything that a customer is found by, folded, in one text."""
    words = [fold(part) for part in (code, first_name, last_name, company, email) if part]
    return " ".join([*words, _NO_DIGIT.sub("", phone)]).rstrip()


def name_key(code: str, first_name: str, last_name: str, company: str) -> str:
    """What a customer is found by without a look at mail and phone, folded, in one text."""
    return " ".join(fold(part) for part in (code, first_name, last_name, company) if part)


def means_contact(search: str) -> bool:
    """Whether a search can only mean a mail address or a phone number."""
    digits = len(_NO_DIGIT.sub("", search))
    return "@" in search or (_PHONE.fullmatch(search) is not None and (digits >= 7 or search.lstrip().startswith("+")))


def terms(search: str) -> list[str]:
    """The parts that a search key must contain, all of them; a phone number is one part, however it is written."""
    if _PHONE.fullmatch(search):
        digits = _NO_DIGIT.sub("", search)
        return [digits] if digits else []
    return fold(search).split()
