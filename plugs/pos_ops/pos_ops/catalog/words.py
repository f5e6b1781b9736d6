"""The forms in which text is looked for: words without case and accents, barcodes of one length, codes of names."""

from __future__ import annotations

import hashlib
import re
import unicodedata

MAX_BARCODE = 50
_WORD = re.compile(r"[^\W_]+")
_SYMBOL = re.compile(r"[!-~]{1,50}")
#: Letters that Unicode does not take apart although people type them without their stroke.
_PLAIN = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
)
_GTIN_LENGTHS = range(8, 15)
_CODE_LENGTH = 40


def words_of(*texts: str) -> list[str]:
    """The words of some texts in lower case and without accents, each once, in their order.

    >>> words_of("Crème fraîche 30%", "AB-123")
    ['creme', 'fraiche', '30', 'ab', '123']
    """
    text = " ".join(texts)
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        text = "".join(c for c in apart if not unicodedata.combining(c)).translate(_PLAIN)
    return list(dict.fromkeys(_WORD.findall(text.lower())))


def search_text(sku: str, name: str, brand: str | None) -> str:
    """What a product is found by, as it stands in its row: words with one blank between them."""
    return " ".join(words_of(sku, name, brand or ""))


def barcode_key(barcode: str) -> str:
    """The form in which a barcode is compared: GTIN-8, -12 (UPC-A), -13 (EAN) and -14 filled up to 14 digits.

    UPC-A that lost its leading zeros in a spreadsheet (9 to 11 digits) is met by the same rule. Anything else, such as
    a price look-up number of four digits or an in-house code with letters, is compared as it stands.
    Source: GS1 General Specifications, "GTIN": shorter ones are right-aligned in 14 digits.

    >>> barcode_key(" 036000291452 "), barcode_key("4011"), barcode_key("A-1")
    ('00036000291452', '4011', 'A-1')
    """
    text = barcode.strip()
    if len(text) in _GTIN_LENGTHS and text.isascii() and text.isdigit():
        return text.zfill(14)
    return text


def is_barcode(text: str) -> bool:
    """Whether a text may be a barcode: 1 to 50 printable ASCII characters without blanks."""
    return _SYMBOL.fullmatch(text) is not None


def name_key(name: str) -> str:
    """The form in which names of brands are compared: without case and with single blanks."""
    return " ".join(name.casefold().split())


def code_of(name: str) -> str:
    """A code for a name that came without one: the same for the same name, ASCII, at most 40 characters.

    >>> code_of("Kućanstvo i dom")
    'KUCANSTVO-I-DOM'
    """
    made = "-".join(word.upper() for word in words_of(name) if word.isascii())
    complete = all(word.isascii() for word in words_of(name))
    if made and complete and len(made) <= _CODE_LENGTH:
        return made
    mark = hashlib.sha256(name_key(name).encode()).hexdigest()[:10].upper()
    return f"{made[: _CODE_LENGTH - 11]}-{mark}" if made else f"X-{mark}"
