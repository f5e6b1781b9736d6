"""The migrated schema is the declared one, and the database itself guards what is append-only."""

from __future__ import annotations

from typing import Any

import apsw
import peewee as pw
import psycopg2
import pytest

from pos_core.audit.models import AuditEntry
from pos_core.db import ddl, schema
from pos_core.db.database import SqliteDatabase, connect_to
from pos_core.db.model import Table


def execute(db: Any, text: str) -> None:
    with db.schema_access():
        db.execute_sql(text)


def differences(business: Any) -> list[str]:
    kernel = business.kernel
    return schema.differences(kernel.db, kernel.models, kernel.running())


@pytest.mark.req("DBM-07", "DBM-12")
def test_the_migrated_schema_is_the_declared_one(business: Any) -> None:
    assert differences(business) == []


@pytest.mark.req("DBM-07")
def test_a_scratch_database_has_the_same_pieces(business: Any, pos_templates: Any, tmp_path: Any) -> None:
    """Made from nothing by the models, without migrations, in a database of its own."""
    kernel = business.kernel
    server, name = pos_templates._server, f"pos_scratch_{tmp_path.name[-20:].lower().strip('_')}"
    url = f"sqlite:///{tmp_path / 'scratch.sqlite3'}" if kernel.db.dialect == "sqlite" else server.create_database(name)
    scratch = connect_to(url)
    made = schema.statements(scratch, kernel.models, kernel.running())
    with scratch.in_use(), scratch.schema_access():
        for text in made:
            scratch.execute_sql(text.replace("%", "%%") if kernel.db.dialect == "postgresql" else text)
        assert schema.compare(schema.pieces(scratch), schema.pieces(kernel.db)) == []
    scratch.close() if kernel.db.dialect == "sqlite" else scratch.close_all()
    if kernel.db.dialect == "postgresql":
        server.drop_database(name)


CHANGES = {
    "a column": ("ALTER TABLE core_store ADD COLUMN colour TEXT", "column core_store.colour is there but"),
    "a lost column": ("ALTER TABLE core_store DROP COLUMN phone", "column core_store.phone is missing"),
    "a lost index": ("DROP INDEX core_register_store_id_code", "index core_register_store_id_code is missing"),
    "a lost partial index": ("DROP INDEX core_setting_business", "index core_setting_business is missing"),
    "a table": ("CREATE TABLE stray (a INTEGER)", "column stray.a is there but nobody declares it"),
}


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_each_kind_of_drift_is_named(business: Any, change: str) -> None:
    text, said = CHANGES[change]
    execute(business.kernel.db, text)
    assert any(sentence.startswith(said) for sentence in differences(business)), differences(business)


def test_a_partial_index_that_lost_its_condition_is_named(business: Any) -> None:
    execute(business.kernel.db, "DROP INDEX core_setting_business")
    execute(business.kernel.db, 'CREATE UNIQUE INDEX "core_setting_business" ON "core_setting" ("key")')
    (said,) = differences(business)
    assert said.startswith("index core_setting_business is CREATE UNIQUE INDEX")
    assert "store_id IS NULL" in said


def test_a_lost_trigger_is_named(business: Any) -> None:
    sqlite = business.kernel.db.dialect == "sqlite"
    text = (
        "DROP TRIGGER core_audit_entry_no_update"
        if sqlite
        else ("DROP TRIGGER core_audit_entry_append_only ON core_audit_entry")
    )
    execute(business.kernel.db, text)
    (said,) = differences(business)
    assert said.startswith("trigger core_audit_entry_")
    assert "is missing" in said


def test_a_trigger_that_was_switched_off_is_named(business: Any) -> None:
    if business.kernel.db.dialect == "sqlite":
        pytest.skip("SQLite cannot switch a trigger off")
    execute(business.kernel.db, "ALTER TABLE core_audit_entry DISABLE TRIGGER core_audit_entry_append_only")
    (said,) = differences(business)
    assert "(switched off)" in said


def test_a_lost_check_and_foreign_key_are_named(business: Any) -> None:
    db = business.kernel.db
    if db.dialect == "sqlite":
        text = db.execute_sql("SELECT sql FROM sqlite_master WHERE name = 'core_register'").fetchone()[0]
        with db.schema_access():
            db.execute_sql("PRAGMA foreign_keys = 0")
            db.execute_sql("DROP TABLE core_register")
            db.execute_sql(text[: text.index(", FOREIGN KEY")] + ")")
            db.execute_sql("PRAGMA foreign_keys = 1")
        assert any(s.startswith("foreign key core_register (store_id) is missing") for s in differences(business))
        return
    execute(db, "ALTER TABLE core_register DROP CONSTRAINT core_register_store_id_fkey")
    execute(db, "ALTER TABLE core_store DROP CONSTRAINT core_store_day_start_minutes_check")
    said = " ".join(differences(business))
    assert "foreign key core_register FOREIGN KEY (store_id) REFERENCES core_store(id)" in said
    assert "check of core_store: CHECK" in said


def append_only_models(business: Any) -> list[type[Table]]:
    return [model for model in business.kernel.models if model.append_only]


@pytest.mark.req("AUD-01")
def test_append_only_tables_refuse_update_and_delete(business: Any) -> None:
    """The audit has rows; other append-only tables may be empty here, so they are asked for their triggers."""
    db = business.kernel.db
    assert AuditEntry in append_only_models(business)
    rows = AuditEntry.select().count()
    with db.schema_access():
        for text in ("UPDATE core_audit_entry SET outcome = 'done'", "DELETE FROM core_audit_entry"):
            with pytest.raises((pw.IntegrityError, pw.DatabaseError), match="append-only"):
                db.execute_sql(text)
        if db.dialect == "postgresql":
            with pytest.raises((pw.IntegrityError, pw.DatabaseError), match="append-only"):
                db.execute_sql("TRUNCATE core_audit_entry")
    assert AuditEntry.select().count() == rows > 0
    found = schema.pieces(db)
    for model in append_only_models(business):
        for text in ddl.append_only_triggers(db.dialect, model._meta.table_name):
            assert f"trigger {text.split()[2]}" in found


@pytest.mark.req("AUD-01")
def test_triggers_hold_without_the_framework(business: Any) -> None:
    """Somebody with the database's own client and all its rights."""
    db = business.kernel.db
    if isinstance(db, SqliteDatabase):
        raw = apsw.Connection(db.path)
        with pytest.raises(apsw.ConstraintError, match="append-only"):
            raw.execute("DELETE FROM core_audit_entry")
        raw.close()
        return
    raw = psycopg2.connect(business.kernel.config.database.url)
    raw.autocommit = True
    for text in ("DELETE FROM core_audit_entry", "UPDATE core_audit_entry SET seq = seq", "TRUNCATE core_audit_entry"):
        with pytest.raises(psycopg2.errors.RestrictViolation), raw.cursor() as cursor:
            cursor.execute(text)
    raw.close()


@pytest.mark.req("DBM-07")
def test_index_names_are_unique_over_all_distributions(business: Any) -> None:
    names: dict[str, str] = {}
    for model in business.kernel.models:
        for index in model._meta.fields_to_index():
            assert names.setdefault(index._name, model._meta.table_name) == model._meta.table_name
            assert index._name.startswith(ddl.distribution_of(model))


def test_every_table_has_its_distributions_prefix(business: Any) -> None:
    for model in business.kernel.models:
        package = model.__module__.partition(".")[0].removeprefix("pos_")
        assert ddl.distribution_of(model) == package, model


def test_foreign_keys_stay_within_the_distribution_or_point_to_the_core(business: Any) -> None:
    for model in business.kernel.models:
        for field in model._meta.sorted_fields:
            if isinstance(field, pw.ForeignKeyField):
                target = ddl.distribution_of(field.rel_model)
                assert target in ("core", ddl.distribution_of(model)), (model, field.name)
                assert field.backref == "!"
