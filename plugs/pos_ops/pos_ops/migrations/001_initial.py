"""The first schema."""

from __future__ import annotations

from typing import Any

SQLITE = [
    """CREATE TABLE "ops_counter" ("name" TEXT NOT NULL PRIMARY KEY, "value" INTEGER NOT NULL, CONSTRAINT ops_counter_value CHECK (value > 0))""",
    """CREATE TABLE "ops_representative" ("id" TEXT NOT NULL PRIMARY KEY, "version" INTEGER NOT NULL, "created_at" TEXT NOT NULL, "updated_at" TEXT NOT NULL, "code" TEXT NOT NULL, "name" TEXT NOT NULL, "phone" TEXT NOT NULL, "email" TEXT NOT NULL, "is_active" INTEGER NOT NULL)""",
    'CREATE UNIQUE INDEX "ops_representative_code" ON "ops_representative" ("code")',
    """CREATE TABLE "ops_tender" ("id" TEXT NOT NULL PRIMARY KEY, "version" INTEGER NOT NULL, "created_at" TEXT NOT NULL, "updated_at" TEXT NOT NULL, "code" TEXT NOT NULL, "name" TEXT NOT NULL, "kind" TEXT NOT NULL, "sort_order" INTEGER NOT NULL, "opens_drawer" INTEGER NOT NULL, "needs_reference" INTEGER NOT NULL, "cash_rounding" INTEGER NOT NULL, "is_active" INTEGER NOT NULL, CONSTRAINT ops_tender_kind CHECK (kind IN ('cash', 'card', 'other')), CONSTRAINT ops_tender_sort_order CHECK (sort_order >= 0))""",
    'CREATE UNIQUE INDEX "ops_tender_code" ON "ops_tender" ("code")',
    """CREATE TABLE "ops_customer" ("id" TEXT NOT NULL PRIMARY KEY, "version" INTEGER NOT NULL, "created_at" TEXT NOT NULL, "updated_at" TEXT NOT NULL, "code" TEXT NOT NULL, "store_id" TEXT, "first_name" TEXT NOT NULL, "last_name" TEXT NOT NULL, "company" TEXT NOT NULL, "email" TEXT NOT NULL, "phone" TEXT NOT NULL, "tax_id" TEXT NOT NULL, "address" TEXT NOT NULL, "notes" TEXT NOT NULL, "is_active" INTEGER NOT NULL, "search_key" TEXT NOT NULL, FOREIGN KEY ("store_id") REFERENCES "core_store" ("id") ON DELETE RESTRICT, CONSTRAINT ops_customer_named CHECK (first_name <> '' OR last_name <> '' OR company <> ''))""",
    'CREATE UNIQUE INDEX "ops_customer_code" ON "ops_customer" ("code")',
    'CREATE INDEX "ops_customer_store_id" ON "ops_customer" ("store_id")',
]

POSTGRESQL = [
    """CREATE TABLE "ops_counter" ("name" TEXT NOT NULL PRIMARY KEY, "value" BIGINT NOT NULL, CONSTRAINT ops_counter_value CHECK (value > 0))""",
    """CREATE TABLE "ops_representative" ("id" UUID NOT NULL PRIMARY KEY, "version" BIGINT NOT NULL, "created_at" TIMESTAMPTZ NOT NULL, "updated_at" TIMESTAMPTZ NOT NULL, "code" TEXT NOT NULL, "name" TEXT NOT NULL, "phone" TEXT NOT NULL, "email" TEXT NOT NULL, "is_active" BOOLEAN NOT NULL)""",
    'CREATE UNIQUE INDEX "ops_representative_code" ON "ops_representative" ("code")',
    """CREATE TABLE "ops_tender" ("id" UUID NOT NULL PRIMARY KEY, "version" BIGINT NOT NULL, "created_at" TIMESTAMPTZ NOT NULL, "updated_at" TIMESTAMPTZ NOT NULL, "code" TEXT NOT NULL, "name" TEXT NOT NULL, "kind" TEXT NOT NULL, "sort_order" INTEGER NOT NULL, "opens_drawer" BOOLEAN NOT NULL, "needs_reference" BOOLEAN NOT NULL, "cash_rounding" BOOLEAN NOT NULL, "is_active" BOOLEAN NOT NULL, CONSTRAINT ops_tender_kind CHECK (kind IN ('cash', 'card', 'other')), CONSTRAINT ops_tender_sort_order CHECK (sort_order >= 0))""",
    'CREATE UNIQUE INDEX "ops_tender_code" ON "ops_tender" ("code")',
    """CREATE TABLE "ops_customer" ("id" UUID NOT NULL PRIMARY KEY, "version" BIGINT NOT NULL, "created_at" TIMESTAMPTZ NOT NULL, "updated_at" TIMESTAMPTZ NOT NULL, "code" TEXT NOT NULL, "store_id" UUID, "first_name" TEXT NOT NULL, "last_name" TEXT NOT NULL, "company" TEXT NOT NULL, "email" TEXT NOT NULL, "phone" TEXT NOT NULL, "tax_id" TEXT NOT NULL, "address" TEXT NOT NULL, "notes" TEXT NOT NULL, "is_active" BOOLEAN NOT NULL, "search_key" TEXT NOT NULL, FOREIGN KEY ("store_id") REFERENCES "core_store" ("id") ON DELETE RESTRICT, CONSTRAINT ops_customer_named CHECK (first_name <> '' OR last_name <> '' OR company <> ''))""",
    'CREATE UNIQUE INDEX "ops_customer_code" ON "ops_customer" ("code")',
    'CREATE INDEX "ops_customer_store_id" ON "ops_customer" ("store_id")',
]


def migrate(migrator: Any, database: Any, *, fake: bool = False, **_: Any) -> None:
    """Create the tables."""
    for statement in SQLITE if database.dialect == "sqlite" else POSTGRESQL:
        migrator.sql(statement)
