"""Keeping up with what is installed: modules and their versions, as they are found at a start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pos_core.registry.models import InstalledModule

if TYPE_CHECKING:
    from pos_core.kernel import Kernel
    from pos_core.plugins import Module

GONE = "gone"


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to record of one module: as it is installed now, and its row, where it has one."""

    name: str
    distribution: str
    version: str
    state: str
    error: str
    row: InstalledModule | None

    @property
    def is_new_version(self) -> bool:
        """Whether this version of it has not been the last one seen."""
        return self.state != GONE and (self.row is None or self.row.version_number != self.version)

    @property
    def differs(self) -> bool:
        """Whether the row says something else."""
        row = self.row
        return row is None or (row.distribution, row.version_number, row.state, row.error) != (
            self.distribution, self.version, self.state, self.error
        )  # fmt: skip


def differences(kernel: Kernel) -> list[Found]:
    """Every module whose row differs from what is installed, and every row whose module is gone, by name."""
    rows = {row.name: row for row in InstalledModule.select()}
    found = [_found(module, rows.pop(module.name, None)) for module in kernel.modules]
    found += [Found(name, row.distribution, row.version_number, GONE, "", row) for name, row in rows.items()]
    return sorted((one for one in found if one.differs), key=lambda one: one.name)


def _found(module: Module, row: InstalledModule | None) -> Found:
    version = module.manifest.version if module.manifest is not None else "?"
    state = "installed" if module.running else "set_aside"
    return Found(module.name, module.distribution, version, state, module.error[:1000], row)


def record(kernel: Kernel, who: str) -> bool:
    """Record what is installed where it differs from what is known; whether it did."""
    if not differences(kernel):
        return False
    kernel.system_context(who, channel="system").perform("module:record", {})
    return True
