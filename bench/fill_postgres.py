"""Copies a sample of sales into the past of a PostgreSQL database: see :mod:`bench.fill`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from psycopg2.extensions import cursor as PgCursor

from bench.fill import Filler, Table


class PostgresFiller(Filler):
    """Copies with INSERT ... SELECT from sample tables; foreign keys and triggers are silenced for the session."""

    def __init__(self, cursor: PgCursor) -> None:
        super().__init__()
        self.cursor = cursor
        self.began_ms = 0
        self._texts: dict[str, set[str]] = {}
        cursor.execute("SET jit = off; SET synchronous_commit = off; SET TIME ZONE 'UTC'")

    def _column(self, text: str, *parameters: object) -> list[object]:
        self.cursor.execute(text, parameters)
        return [row[0] for row in self.cursor.fetchall()]

    def table_names(self) -> list[str]:
        return [
            str(name)
            for name in self._column(
                "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
            )
        ]

    def column_names(self, table: str) -> list[str]:
        text = (
            "SELECT attname FROM pg_attribute WHERE attrelid = format('public.%%I', %s::text)::regclass"
            " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
        )
        return [str(name) for name in self._column(text, table)]

    def unique_columns(self, table: str) -> list[list[str]]:
        text = (
            "SELECT array_agg(a.attname::text) FROM pg_index i JOIN pg_attribute a"
            " ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
            " WHERE i.indrelid = format('public.%%I', %s::text)::regclass AND i.indisunique GROUP BY i.indexrelid"
        )
        return [[str(name) for name in names] for names in self._column(text, table)]  # type: ignore[attr-defined]

    def remember(self, tables: Sequence[str]) -> None:
        self.cursor.execute("CREATE SCHEMA bench_before; CREATE SCHEMA bench_sample")
        for table in tables:
            if key := self._key(table):
                self.cursor.execute(f'CREATE TABLE bench_before."{table}" AS SELECT {key} FROM public."{table}"')

    def _key(self, table: str) -> str:
        text = (
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
            " AND a.attnum = ANY (i.indkey) WHERE i.indrelid = format('public.%%I', %s::text)::regclass"
            " AND i.indisprimary ORDER BY a.attnum"
        )
        return ",".join(f'"{name}"' for name in self._column(text, table))

    def keep_new_rows(self, table: str) -> bool:
        key = self._key(table)
        if not key:
            return False
        self.cursor.execute(
            f'CREATE TABLE bench_sample."{table}" AS SELECT * FROM public."{table}"'
            f' WHERE ({key}) NOT IN (SELECT * FROM bench_before."{table}")'
        )
        return int(self.cursor.rowcount) > 0

    def sample_values(self, table: str, column: str) -> list[object]:
        self.cursor.execute(f'SELECT "{column}" FROM bench_sample."{table}" WHERE "{column}" IS NOT NULL LIMIT 20000')
        return [_plain(value) for (value,) in self.cursor.fetchall()]

    def smallest(self, table: str, column: str) -> int:
        return int(str(self._column(f'SELECT min("{column}") FROM public."{table}"')[0]))

    def prepare(self, began_ms: int) -> None:
        self.began_ms = began_ms

    def copy(self, numbers: Sequence[int]) -> None:
        self.cursor.execute("BEGIN; SET LOCAL session_replication_role = replica")
        for number in numbers:
            for table in self.tables:
                columns = ",".join(f'"{column}"' for column in table.columns)
                values = ",".join(self._value(table, column, number) for column in table.columns)
                self.cursor.execute(
                    f'INSERT INTO public."{table.name}" ({columns}) SELECT {values} FROM bench_sample."{table.name}"'
                )
        self.cursor.execute("COMMIT")

    def _value(self, table: Table, column: str, number: int) -> str:
        name, kind = f'"{column}"', table.kinds.get(column)
        seconds = number * self.step_s
        if kind == "id":
            digits = f"replace({name}::text, '-', '')"
            ms = f"('x' || left({digits}, 12))::bit(48)::bigint"
            moved = f"(lpad(to_hex({ms} - {seconds * 1000}), 12, '0') || substr({digits}, 13))::uuid"
            back = f"CASE WHEN {ms} >= {self.began_ms} THEN {moved} ELSE {name}::uuid END"
            return f"({back})::text" if column in self._text_columns(table.name) else back
        if kind == "number":
            return f"{name} - {table.back(number)}"
        if kind == "time":
            return f"{name} - interval '{seconds} seconds'"
        return f"{name} - {seconds // 86_400}" if kind == "day" else name

    def _text_columns(self, table: str) -> set[str]:
        if table not in self._texts:
            text = (
                "SELECT attname FROM pg_attribute WHERE attrelid = format('public.%%I', %s::text)::regclass"
                " AND atttypid IN ('text'::regtype, 'varchar'::regtype)"
            )
            self._texts[table] = {str(name) for name in self._column(text, table)}
        return self._texts[table]

    def settle(self) -> None:
        self.cursor.execute("VACUUM ANALYZE")
        self.cursor.execute("CHECKPOINT")


def _plain(value: object) -> object:
    """Return integers and texts as they are, days and times in ISO form, ids as text whichever type they came in."""
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)
