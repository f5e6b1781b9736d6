"""Which passwords and PINs are taken: length first, nothing that everybody tries, nothing that stands on the door.

    found = policy.password_violations(ctx, password, username="maria")

Every rule that is broken is told at once. The bundled list holds 29,706 of the commonest passwords (static/NOTICE). A
password is also common when only digits or signs were put behind one of them: `Password2024!` is.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING

from pos_core.errors import INVALID_REQUEST, ErrorCode, Kind, PosError, Violation, define

if TYPE_CHECKING:
    from pos_core.context import Context

MAX_LENGTH = 256
PASSWORD_SHORT = define(
    "password_too_short", Kind.INVALID,
    en="The password must have at least {minimum} characters.",
    es="La contraseña debe tener al menos {minimum} caracteres.",
    cure="Take a few words that do not belong together; length counts more than signs.",
)
PASSWORD_LONG = define(
    "password_too_long", Kind.INVALID,
    en="The password must have at most {maximum} characters.",
    es="La contraseña debe tener como máximo {maximum} caracteres.",
    cure="Take a shorter one.",
)
PASSWORD_COMMON = define(
    "password_too_common", Kind.INVALID,
    en="This password is among the first that are tried.", es="Esta contraseña es de las primeras que se prueban.",
    cure="Take a few words that do not belong together.",
)
PASSWORD_PERSONAL = define(
    "password_too_personal", Kind.INVALID,
    en="The password must not hold the user name, the business' name or this product's.",
    es="La contraseña no debe contener el nombre de usuario, el del negocio ni el de este producto.",
    cure="Take words that do not stand on the door.",
)
_ADD_IT = "Add one; which kinds of characters are asked for is the setting password.complexity."
NEEDS_LOWER = define(
    "password_needs_lower", Kind.INVALID,
    en="The password must hold a lower-case letter.", es="La contraseña debe contener una minúscula.", cure=_ADD_IT,
)
NEEDS_UPPER = define(
    "password_needs_upper", Kind.INVALID,
    en="The password must hold an upper-case letter.", es="La contraseña debe contener una mayúscula.", cure=_ADD_IT,
)
NEEDS_DIGIT = define(
    "password_needs_digit", Kind.INVALID,
    en="The password must hold a digit.", es="La contraseña debe contener un dígito.", cure=_ADD_IT,
)
NEEDS_SIGN = define(
    "password_needs_sign", Kind.INVALID,
    en="The password must hold a sign that is no letter and no digit.",
    es="La contraseña debe contener un signo que no sea letra ni dígito.", cure=_ADD_IT,
)
PIN_LENGTH = define(
    "pin_length_wrong", Kind.INVALID,
    en="The PIN must be {minimum} to {maximum} digits.", es="El PIN debe tener de {minimum} a {maximum} dígitos.",
    cure="Digits only; the figures are the settings pin.minimum_digits and pin.maximum_digits.",
)
PIN_TRIVIAL = define(
    "pin_too_simple", Kind.INVALID,
    en="This PIN is among the first that are tried.", es="Este PIN es de los primeros que se prueban.",
    cure="Take digits that do not repeat and do not run up or down.",
)

#: What the setting password.complexity may name.
COMPLEXITY: dict[str, tuple[Callable[[str], bool], ErrorCode]] = {
    "lower": (str.islower, NEEDS_LOWER), "upper": (str.isupper, NEEDS_UPPER), "digit": (str.isdigit, NEEDS_DIGIT),
    "sign": (lambda character: not character.isalnum(), NEEDS_SIGN),
}  # fmt: skip
#: A name shorter than this is a syllable that may stand in any password.
_NAME_FROM = 4
#: Besides the names of who uses it: what it says on every till.
_PRODUCT = ("3plugpos", "plugpos")
#: Beside repeats and runs: the middle column, famous years' ends, and what thumbs find.
_TRIVIAL_PINS = frozenset({"2580", "0852", "1004", "1470", "1590", "3690", "159753", "147258", "147258369", "1379"})


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """The bundled list, lower case."""
    packed = files("pos_core.auth").joinpath("static/common_passwords.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().split("\n")) - {""}


def password_violations(ctx: Context, password: str, *, username: str = "", path: str = "password") -> list[Violation]:
    """Every rule that a new password breaks; none for one that is taken."""
    settings = ctx.kernel.settings.for_store(None, ctx.revision)
    found = []
    if len(password) < settings["password.minimum_length"]:
        found.append(PASSWORD_SHORT.at(path, minimum=settings["password.minimum_length"]))
    if len(password) > MAX_LENGTH:
        found.append(PASSWORD_LONG.at(path, maximum=MAX_LENGTH))
    if _is_common(password):
        found.append(PASSWORD_COMMON.at(path))
    if _names(password, username, ctx.kernel.instance_name, username.partition("@")[0], *_PRODUCT):
        found.append(PASSWORD_PERSONAL.at(path))
    wanted = kinds_in(settings["password.complexity"])
    found += [code.at(path) for name, (is_one, code) in COMPLEXITY.items()
              if name in wanted and not any(map(is_one, password))]  # fmt: skip
    return found


def kinds_in(text: str) -> list[str]:
    """The kinds of characters that the setting password.complexity lists."""
    return [name.strip() for name in text.split(",") if name.strip()]


def require_password(ctx: Context, password: str, *, username: str = "", path: str = "password") -> None:
    """PosError with every broken rule in `violations`."""
    _refuse(password_violations(ctx, password, username=username, path=path))


def pin_violations(ctx: Context, pin: str, path: str = "pin") -> list[Violation]:
    """Every rule that a new PIN breaks."""
    settings = ctx.kernel.settings.for_store(None, ctx.revision)
    minimum, maximum = settings["pin.minimum_digits"], settings["pin.maximum_digits"]
    found = []
    if not re.fullmatch(rf"[0-9]{{{minimum},{max(minimum, maximum)}}}", pin):
        found.append(PIN_LENGTH.at(path, minimum=minimum, maximum=max(minimum, maximum)))
    if is_trivial(pin):
        found.append(PIN_TRIVIAL.at(path))
    return found


def require_pin(ctx: Context, pin: str, path: str = "pin") -> None:
    """PosError with every broken rule in `violations`."""
    _refuse(pin_violations(ctx, pin, path))


def is_trivial(pin: str) -> bool:
    """Whether the digits repeat (1111, 1212, 123123), run up or down (1234, 9876, 8901) or lie under the thumb."""
    if not pin.isascii() or not pin.isdigit():
        return False
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    repeats = any(pin == pin[:size] * (len(pin) // size) for size in range(1, len(pin) // 2 + 1))
    return repeats or (len(steps) == 1 and steps <= {0, 1, 9}) or pin in _TRIVIAL_PINS


def _refuse(found: list[Violation]) -> None:
    if found:
        raise PosError(INVALID_REQUEST, violations=found)


def _is_common(password: str) -> bool:
    lowered = password.lower()
    base = re.sub(r"[\d\W_]+$", "", lowered)
    known = common_passwords()
    return lowered in known or (len(base) >= 5 and base in known) or len(set(lowered)) <= 2


def _names(password: str, *names: str) -> bool:
    folded = re.sub(r"[\W_]", "", password.lower())
    return any(len(name) >= _NAME_FROM and name in folded for name in (re.sub(r"[\W_]", "", n.lower()) for n in names))
