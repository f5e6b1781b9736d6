"""The rows of an import's batch, written in a handful of messages however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pos_core.context import Context
from pos_core.db.database import PostgresDatabase, wrap_exceptions
from pos_core.db.statements import Statement
from pos_core.db.tables import writer
from pos_core.errors import VERSION_MISMATCH
from pos_core.ids import uuid7
from pos_ops.catalog.import_schemas import BatchRow, ImportBatch
from pos_ops.catalog.importing.plan import COLUMNS
from pos_ops.catalog.models import Product, ProductBarcode
from pos_ops.catalog.words import barcode_key

_KEPT = ("id", "sku", "created_at", "is_active")


@lru_cache(maxsize=1)
def _update() -> Statement:
    """All of a product's changeable columns at once, where the version is still the one that was read."""
    table = writer(Product)
    changed = [column for column in table.columns if column not in _KEPT]
    arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(table.types, 1))
    return Statement(
        f"UPDATE {table.table} SET {', '.join(f'{c} = ?' for c in changed)} WHERE id = ? AND version = ? - 1",
        f"UPDATE {table.table} AS p SET {', '.join(f'{c} = n.{c}' for c in changed)} "
        f"FROM unnest({arrays}) AS n({', '.join(table.columns)}) WHERE p.id = n.id AND p.version = n.version - 1 "
        f"RETURNING p.id",
        tuple(f"{kind}[]" for kind in table.types),
    )


def write_batch(ctx: Context, command: ImportBatch) -> dict[str, Any]:
    """Insert new products, update changed ones, add barcodes; what was written, for the audit entry."""
    changed = []
    for row in command.rows:
        columns = _columns(row) | {"updated_at": ctx.at}
        if row.version is None:
            ctx.writing.insert(Product, columns | {"version": 1, "created_at": ctx.at})
        else:
            changed.append(columns | {"version": row.version + 1})
        for place, barcode in enumerate(row.new_barcodes, row.barcodes_before):
            ctx.writing.insert(ProductBarcode, {
                "id": uuid7(), "product_id": row.id, "barcode": barcode, "code_key": barcode_key(barcode),
                "position": place, "is_active": row.is_active,
            })  # fmt: skip
    if changed:
        _update_products(ctx, changed)
    return {"id": None, "rows": [_fact(row) for row in command.rows]}


def _columns(row: BatchRow) -> dict[str, Any]:
    return {"id": row.id, "sku": row.sku, "is_active": row.is_active, "search_text": row.search_text,
            **{name: getattr(row, name) for name in COLUMNS}}  # fmt: skip


def _update_products(ctx: Context, rows: Sequence[dict[str, Any]]) -> None:
    table, db = writer(Product), ctx.kernel.db
    encoded = [table.values(row) for row in rows]
    if isinstance(db, PostgresDatabase):
        done = db.fetch(_update(), table.arrays([table.for_postgres(values) for values in encoded]))
        if len(done) != len(rows):
            raise VERSION_MISMATCH("rows", entity="product", current="newer")
        return
    # The writer's lock was taken before the rows were read, so nobody can have changed them since.
    order = [n for n, column in enumerate(table.columns) if column not in _KEPT]
    order += [table.columns.index("id"), table.columns.index("version")]
    with wrap_exceptions:
        db.connection().cursor().executemany(_update().sqlite, [[values[n] for n in order] for values in encoded])


def _fact(row: BatchRow) -> dict[str, Any]:
    """A row as the audit entry keeps it: what is not empty of a new product, what changed of another one."""
    shown = {name: getattr(row, name) for name in COLUMNS}
    if row.before is None:
        shown = {name: value for name, value in shown.items() if value not in (None, "", False)}
    else:
        shown = {name: value for name, value in shown.items() if name in row.before}
    return {"id": row.id, "sku": row.sku, **shown, **({"barcodes": row.new_barcodes} if row.new_barcodes else {})}
