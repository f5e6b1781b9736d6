"""The first schema."""

from __future__ import annotations

from typing import Any

SQLITE = [
    """CREATE TABLE "admin_incident" ("id" TEXT NOT NULL PRIMARY KEY, "version" INTEGER NOT NULL, "created_at" TEXT NOT NULL, "updated_at" TEXT NOT NULL, "store_id" TEXT, "title" TEXT NOT NULL, "text" TEXT NOT NULL, "severity" TEXT NOT NULL, "happened_at" TEXT NOT NULL, "state" TEXT NOT NULL, "recorded_by" TEXT, "recorded_name" TEXT NOT NULL, "closed_at" TEXT, "closed_by" TEXT, FOREIGN KEY ("store_id") REFERENCES "core_store" ("id") ON DELETE RESTRICT, CHECK (severity IN ('info', 'warning', 'critical')), CHECK (state IN ('open', 'closed')), CHECK ((state = 'closed') = (closed_at IS NOT NULL)))""",
    'CREATE INDEX "admin_incident_store_id" ON "admin_incident" ("store_id")',
    'CREATE INDEX "admin_incident_happened_at_id" ON "admin_incident" ("happened_at", "id")',
    """CREATE TABLE "admin_incident_link" ("id" TEXT NOT NULL PRIMARY KEY, "incident_id" TEXT NOT NULL, "at" TEXT NOT NULL, "author_id" TEXT, "kind" TEXT NOT NULL, "ref" TEXT NOT NULL, "entity_type" TEXT, "entity_id" TEXT, "chain_id" TEXT, "seq" INTEGER, FOREIGN KEY ("incident_id") REFERENCES "admin_incident" ("id") ON DELETE RESTRICT, CHECK (kind IN ('finding', 'entry', 'entity')))""",
    'CREATE UNIQUE INDEX "admin_incident_link_incident_id_ref" ON "admin_incident_link" ("incident_id", "ref")',
    'CREATE INDEX "admin_incident_link_entity_id" ON "admin_incident_link" ("entity_id")',
    """CREATE TABLE "admin_incident_note" ("id" TEXT NOT NULL PRIMARY KEY, "incident_id" TEXT NOT NULL, "at" TEXT NOT NULL, "author_id" TEXT, "author_name" TEXT NOT NULL, "what" TEXT NOT NULL, "text" TEXT NOT NULL, FOREIGN KEY ("incident_id") REFERENCES "admin_incident" ("id") ON DELETE RESTRICT, CHECK (what IN ('note', 'closed', 'reopened')))""",
    'CREATE INDEX "admin_incident_note_incident_id" ON "admin_incident_note" ("incident_id")',
    """CREATE TRIGGER admin_incident_no_delete BEFORE DELETE ON admin_incident BEGIN SELECT RAISE(ABORT, 'never deleted: rows of admin_incident are switched off instead'); END""",
    """CREATE TRIGGER admin_incident_link_no_update BEFORE UPDATE ON admin_incident_link BEGIN SELECT RAISE(ABORT, 'append-only: rows of admin_incident_link are never changed'); END""",
    """CREATE TRIGGER admin_incident_link_no_delete BEFORE DELETE ON admin_incident_link BEGIN SELECT RAISE(ABORT, 'append-only: rows of admin_incident_link are never changed'); END""",
    """CREATE TRIGGER admin_incident_note_no_update BEFORE UPDATE ON admin_incident_note BEGIN SELECT RAISE(ABORT, 'append-only: rows of admin_incident_note are never changed'); END""",
    """CREATE TRIGGER admin_incident_note_no_delete BEFORE DELETE ON admin_incident_note BEGIN SELECT RAISE(ABORT, 'append-only: rows of admin_incident_note are never changed'); END""",
]

POSTGRESQL = [
    """CREATE TABLE "admin_incident" ("id" UUID NOT NULL PRIMARY KEY, "version" BIGINT NOT NULL, "created_at" TIMESTAMPTZ NOT NULL, "updated_at" TIMESTAMPTZ NOT NULL, "store_id" UUID, "title" TEXT NOT NULL, "text" TEXT NOT NULL, "severity" TEXT NOT NULL, "happened_at" TIMESTAMPTZ NOT NULL, "state" TEXT NOT NULL, "recorded_by" UUID, "recorded_name" TEXT NOT NULL, "closed_at" TIMESTAMPTZ, "closed_by" UUID, FOREIGN KEY ("store_id") REFERENCES "core_store" ("id") ON DELETE RESTRICT, CHECK (severity IN ('info', 'warning', 'critical')), CHECK (state IN ('open', 'closed')), CHECK ((state = 'closed') = (closed_at IS NOT NULL)))""",
    'CREATE INDEX "admin_incident_store_id" ON "admin_incident" ("store_id")',
    'CREATE INDEX "admin_incident_happened_at_id" ON "admin_incident" ("happened_at", "id")',
    """CREATE TABLE "admin_incident_link" ("id" UUID NOT NULL PRIMARY KEY, "incident_id" UUID NOT NULL, "at" TIMESTAMPTZ NOT NULL, "author_id" UUID, "kind" TEXT NOT NULL, "ref" TEXT NOT NULL, "entity_type" TEXT, "entity_id" UUID, "chain_id" UUID, "seq" BIGINT, FOREIGN KEY ("incident_id") REFERENCES "admin_incident" ("id") ON DELETE RESTRICT, CHECK (kind IN ('finding', 'entry', 'entity')))""",
    'CREATE UNIQUE INDEX "admin_incident_link_incident_id_ref" ON "admin_incident_link" ("incident_id", "ref")',
    'CREATE INDEX "admin_incident_link_entity_id" ON "admin_incident_link" ("entity_id")',
    """CREATE TABLE "admin_incident_note" ("id" UUID NOT NULL PRIMARY KEY, "incident_id" UUID NOT NULL, "at" TIMESTAMPTZ NOT NULL, "author_id" UUID, "author_name" TEXT NOT NULL, "what" TEXT NOT NULL, "text" TEXT NOT NULL, FOREIGN KEY ("incident_id") REFERENCES "admin_incident" ("id") ON DELETE RESTRICT, CHECK (what IN ('note', 'closed', 'reopened')))""",
    'CREATE INDEX "admin_incident_note_incident_id" ON "admin_incident_note" ("incident_id")',
    """CREATE TRIGGER admin_incident_no_delete BEFORE DELETE ON admin_incident FOR EACH STATEMENT EXECUTE FUNCTION pos_never_deleted()""",
    """CREATE TRIGGER admin_incident_no_truncate BEFORE TRUNCATE ON admin_incident FOR EACH STATEMENT EXECUTE FUNCTION pos_never_deleted()""",
    """CREATE TRIGGER admin_incident_link_append_only BEFORE UPDATE OR DELETE ON admin_incident_link FOR EACH ROW EXECUTE FUNCTION pos_append_only()""",
    """CREATE TRIGGER admin_incident_link_no_truncate BEFORE TRUNCATE ON admin_incident_link FOR EACH STATEMENT EXECUTE FUNCTION pos_append_only()""",
    """CREATE TRIGGER admin_incident_note_append_only BEFORE UPDATE OR DELETE ON admin_incident_note FOR EACH ROW EXECUTE FUNCTION pos_append_only()""",
    """CREATE TRIGGER admin_incident_note_no_truncate BEFORE TRUNCATE ON admin_incident_note FOR EACH STATEMENT EXECUTE FUNCTION pos_append_only()""",
]


def migrate(migrator: Any, database: Any, *, fake: bool = False, **_: Any) -> None:
    """Create the tables."""
    for statement in SQLITE if database.dialect == "sqlite" else POSTGRESQL:
        migrator.sql(statement)
