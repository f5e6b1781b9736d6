"""Departments, categories, brands, vendors and tax groups that rows name: known ones found, new ones planned."""

from __future__ import annotations

from typing import Any

from pos_core.context import Context
from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_ops.catalog.importing.rows import RowError
from pos_ops.catalog.models import Brand, Category, Department, Vendor
from pos_ops.catalog.schemas import CreateBrand, CreateCategory, CreateDepartment, CreateVendor
from pos_ops.catalog.words import code_of, name_key


class Masters:
    """What is known when an import begins, read once; what it adds is in `planned` as (action, command)."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._departments = dict(Department.select(Department.code, Department.id).tuples())
        self._categories = dict(Category.select(Category.code, Category.id).tuples())
        self._vendors = dict(Vendor.select(Vendor.code, Vendor.id).tuples())
        self._brands = dict(Brand.select(Brand.name_key, Brand.id).tuples())
        self.brand_names: dict[str, str] = dict(Brand.select(Brand.id, Brand.name).tuples())
        self._tax_groups: dict[str, str | None] = {}
        self.planned: list[tuple[str, Any]] = []

    def count(self, action: str) -> int:
        """How many the import creates by that action."""
        return sum(1 for name, _ in self.planned if name == action)

    def tax_group(self, code: str) -> str:
        """The id of the tax group of that code; RowError where there is none."""
        if code not in self._tax_groups:
            try:
                self._tax_groups[code] = self._ctx.query("tax_group:by_code", code=code)["id"]
            except PosError as error:
                if error.code.code != "not_found":
                    raise
                self._tax_groups[code] = None
        found = self._tax_groups[code]
        if found is None:
            raise RowError("tax_rate_code", "unknown", text=code)
        return found

    def department(self, code: str, name: str) -> str | None:
        """The department of a code, or of a name whose code is made from it."""
        if not code and not name:
            return None
        code = code or code_of(name)
        if code not in self._departments:
            made = CreateDepartment(id=uuid7(), code=code, name=name or code)
            self.planned.append(("department:create", made))
            self._departments[code] = made.id
        return self._departments[code]

    def category(self, name: str, department_id: str | None) -> str | None:
        """The category of a name."""
        if not name:
            return None
        code = code_of(name)
        if code not in self._categories:
            made = CreateCategory(id=uuid7(), code=code, name=name, department_id=department_id)
            self.planned.append(("category:create", made))
            self._categories[code] = made.id
        return self._categories[code]

    def vendor(self, code: str, name: str) -> str | None:
        """The vendor of a code, or of a name whose code is made from it."""
        if not code and not name:
            return None
        code = code or code_of(name)
        if code not in self._vendors:
            made = CreateVendor(id=uuid7(), code=code, name=name or code)
            self.planned.append(("vendor:create", made))
            self._vendors[code] = made.id
        return self._vendors[code]

    def brand(self, name: str) -> str | None:
        """The brand of a name, whatever its case."""
        if not name:
            return None
        key = name_key(name)
        if key not in self._brands:
            made = CreateBrand(id=uuid7(), name=name)
            self.planned.append(("brand:create", made))
            self._brands[key] = made.id
            self.brand_names[made.id] = name
        return self._brands[key]
