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
_INDUSTRY = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
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
    security: it guards the system, so that every change of it is a security event.
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
    security: bool = False


@dataclass(frozen=True, slots=True)
class SensitiveField:
    """A fact about an entity that not everybody who sees the entity may see, nor set who may edit it.

    entity: whose fact it is ("product"). name: what the permissions' codes end in ("cost_price"). fields: the names
    under which answers, commands, reports and audit entries carry it. view, edit: permissions, any one suffices.
    everywhere: the names mean this in whatever entity's answers (a line's `cost_price_minor`); otherwise they do in
    the entity's own answers, and with the entity's name before them (`customer_phone`) in all. blind: who may set it
    need not be able to see it; otherwise an edit takes both permissions, because its answer can tell what was there.
    """

    entity: str
    name: str
    fields: tuple[str, ...]
    description: str
    view: tuple[str, ...]
    edit: tuple[str, ...]
    everywhere: bool = False
    blind: bool = False

    @property
    def code(self) -> str:
        return f"{self.entity}.{self.name}"


@dataclass(frozen=True, slots=True)
class ApprovalKind:
    """Something that somebody else must agree to: who decides, level after level, and how long it waits.

    levels: for each level the permissions of which any one lets decide it, the lowest level first. exact: an approval
    holds for the very same command; otherwise for every command on the same thing with the same figures. The minutes
    are defaults of the kind's two settings; 0 minutes to escalation means that only a person escalates.
    """

    code: str
    title: str
    title_es: str
    levels: tuple[tuple[str, ...], ...]
    exact: bool = True
    expires_minutes: int = 60
    escalates_minutes: int = 15

    @property
    def settings(self) -> tuple[Setting, Setting]:
        """The kind's settings, for the manifest's `settings`."""
        what = self.title.lower()
        return (
            Setting(f"approvals.{self.code}_expires_minutes", "int", self.expires_minutes,
                    f"After so many minutes a request for approval ({what}) expires, decided or not.",
                    minimum=1, maximum=100_000, per_store=False),
            Setting(f"approvals.{self.code}_escalates_minutes", "int", self.escalates_minutes,
                    f"After so many minutes without a decision ({what}) the next level decides; 0 leaves it where "
                    "it is.", minimum=0, maximum=100_000, per_store=False),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Manifest:
    """A module's identity.

    name: dotted, equal to its entry point (`ops.sales`). version: the distribution's. core_api: a version range of
    the contract, e.g. ">=1,<2". depends: modules that must be there and on; extras: modules it uses when there.
    roots: path prefixes under /api/v1 that its routes live in. tables: the models it owns are prefixed by
    its distribution. permissions, settings: what it brings. fields: which of its facts are masked without a permission.
    """

    name: str
    version: str
    core_api: str = ">=1,<2"
    title: str = ""
    depends: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    settings: tuple[Setting, ...] = ()
    fields: tuple[SensitiveField, ...] = ()
    roots: tuple[str, ...] = ()
    #: The kinds of approval that its actions ask for.
    approvals: tuple[ApprovalKind, ...] = ()
    #: The trade that it is for ("retail"), where it is for one; such a module is off until somebody switches it on.
    industry: str = ""
    #: Whether it is on while nobody has switched it; None: unless it is for one trade.
    default_on: bool | None = None
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
        if self.industry and not _INDUSTRY.match(self.industry):
            found.append(f"industry {self.industry!r} is not lower case such as retail")
        for kind in self.approvals:
            if not kind.levels or not all(level and all(map(_PERMISSION.match, level)) for level in kind.levels):
                found.append(f"approval {kind.code!r} needs levels, each with permissions that decide it")
        return found + [problem for masked in self.fields for problem in self._problems_of(masked)]

    def _problems_of(self, masked: SensitiveField) -> list[str]:
        declared = {p.code for p in self.permissions}
        found = [] if masked.fields and masked.view else [f"sensitive {masked.code} needs fields and who may view it"]
        for verb, codes in (("view", masked.view), ("edit", masked.edit)):
            ending = f".{verb}.{masked.name}"
            wrong = [f"{code} must end in {ending}" for code in codes if not code.endswith(ending)]
            wrong += [f"{code} is not among the permissions" for code in codes if code not in declared]
            found += [f"sensitive {masked.code}: {problem}" for problem in wrong]
        return found

    @property
    def core(self) -> bool:
        """Core modules cannot be switched off."""
        return self.name.startswith("core.")

    @property
    def starts_on(self) -> bool:
        """Whether the module is on while nobody has switched it."""
        return self.core or (not self.industry if self.default_on is None else self.default_on)
