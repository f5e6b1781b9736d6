"""The page of modules: what each is for, owns, leaves in the audit, and who may what."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pos_core.cli.main import cli
from pos_core.config.loader import Config
from pos_core.db.database import SqliteDatabase
from pos_core.documentation import modules
from pos_core.kernel import Kernel


@pytest.fixture(scope="module")
def bare() -> Kernel:
    """A kernel of the installed modules that never asks its database."""
    return Kernel(Config(), db=SqliteDatabase(":memory:"))


@pytest.mark.req("OPX-86")
def test_every_module_says_what_it_is_and_owns(bare: Kernel) -> None:
    parts = {module.name: modules.module_part(bare, module) for module in bare.running()}
    for module in bare.running():
        purpose = parts[module.name].splitlines()[2]
        assert len(purpose.split()) >= 2, f"{module.name} does not say what it is for"
        assert all(f"`{permission.code}`" in parts[module.name] for permission in module.manifest.permissions)
    stock = parts["ops.stock"]
    assert "| `ops_stock_move` | " in stock
    assert "append-only |" in stock
    assert "| `stock:adjust` | stock_move | a reason; approvals |" in stock
    assert "| `sales` | Sales | key, label, sales" in parts["mgmt.reports"]
    assert "digests of name" in parts["ops.representatives"]


@pytest.mark.req("OPX-86")
def test_every_table_of_a_module_has_one_owner(bare: Kernel) -> None:
    owned = [model._meta.table_name for module in bare.running() for model in modules.tables_of(bare, module)]
    assert len(owned) == len(set(owned))
    foreign = {model._meta.table_name for model in bare.models} - set(owned)
    shared = {name for name in foreign if not name.startswith("core_")}
    assert shared == set(), "a table outside the core's own machinery belongs to a module"


def test_the_command_prints_one_module() -> None:
    done = CliRunner().invoke(cli, ["docs", "--module", "ops.stock"])
    assert done.exit_code == 0
    assert done.output.startswith("## ops.stock: Stock\n")
    assert CliRunner().invoke(cli, ["docs", "--module", "ops.nothing"]).exit_code == 2
