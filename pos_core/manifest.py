"""What a module says about itself before any of its code runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

#: The version of the contract between pos_core and modules (hooks, decorators, public names of `pos_core`).
CORE_API = "1.0"

_NAME = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")
_PERMISSION = re.compile(r"^(hq|store|pos):[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")
_ROOT = re.compile(r"^/[a-z0-9][a-z0-9_/-]*$")


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission a module brings: `scope:code` with scope hq, store or pos, and what it lets one do."""

    code: str
    description: str
    #: Templates of roles that hold it from the first run on (a role's code, e.g. "cashier").
    roles: tuple[str, ...] = ()

    @property
    def scope(self) -> str:
        return self.code.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Setting:
    """A business setting: kept in the database, changed only by the audited action `setting:change`.

    `kind` is one of int, bool, text, choice, currency, timezone; `per_store` lets a store differ from the business.
    """

    key: str
    kind: str
    default: Any
    description: str
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    per_store: bool = True
    permission: str = "hq:settings.manage"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A module's identity.

    name: dotted, equal to its entry point (`ops.sales`). version: the distribution's. core_api: a version range of
    the contract, e.g. ">=1,<2". depends: modules that must be there and on; extras: modules it uses when there.
    roots: path prefixes under /api/v1 that its routes live in. tables: the models it owns are prefixed by
    its distribution. permissions, settings: what it brings.
    """

    name: str
    version: str
    core_api: str = ">=1,<2"
    title: str = ""
    depends: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    settings: tuple[Setting, ...] = ()
    roots: tuple[str, ...] = ()
    #: States and their allowed transitions by entity, as data: {"sale": {"open": ("completed",)}}.
    transitions: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def problems(self) -> list[str]:
        """Everything wrong with the manifest, in sentences; empty when it is sound."""
        found = []
        if not _NAME.match(self.name):
            found.append(f"name {self.name!r} is not dotted lower case such as ops.sales")
        try:
            if CORE_API not in SpecifierSet(self.core_api):
                found.append(f"needs core_api {self.core_api}, this core offers {CORE_API}")
        except InvalidSpecifier:
            found.append(f"core_api {self.core_api!r} is not a version range such as >=1,<2")
        found += [f"permission {p.code!r} is not scope:code" for p in self.permissions if not _PERMISSION.match(p.code)]
        found += [f"path root {r!r} must look like /products" for r in self.roots if not _ROOT.match(r)]
        if self.name in self.depends or self.name in self.extras:
            found.append("depends on itself")
        return found

    @property
    def core(self) -> bool:
        """Core modules cannot be switched off."""
        return self.name.startswith("core.")
