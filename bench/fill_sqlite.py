"""Copies a sample of sales into the past of a SQLite file: see :mod:`bench.fill`."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from bench.fill import UUID, Filler, Table, uuid_ms


class SqliteFiller(Filler):
    """Copies with INSERT ... SELECT from temporary tables in which the ids are taken apart once."""

    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__()
        self.connection = connection
        connection.execute("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -200000")

    def table_names(self) -> list[str]:
        rows = self.connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL AND name NOT LIKE 'sqlite%'"
            " AND sql NOT LIKE 'CREATE VIRTUAL%'"
        )
        return [name for (name,) in rows]

    def column_names(self, table: str) -> list[str]:
        return [row[1] for row in self.connection.execute(f'PRAGMA table_info("{table}")')]

    def unique_columns(self, table: str) -> list[list[str]]:
        indexes = [row[1] for row in self.connection.execute(f'PRAGMA index_list("{table}")') if row[2]]
        columns = [[row[2] for row in self.connection.execute(f'PRAGMA index_info("{index}")')] for index in indexes]
        keys = sorted((row[5], row[1]) for row in self.connection.execute(f'PRAGMA table_info("{table}")') if row[5])
        key = [name for _, name in keys]
        return columns if key in columns or not key else [*columns, key]

    def remember(self, tables: Sequence[str]) -> None:
        for table in tables:
            key = self._key(table)
            self.connection.execute(f'CREATE TEMP TABLE "before_{table}" AS SELECT {key} FROM main."{table}"')

    def _key(self, table: str) -> str:
        rows = self.connection.execute(f'PRAGMA table_info("{table}")')
        keys = [f'"{name}"' for _, name in sorted((row[5], row[1]) for row in rows if row[5])]
        return ",".join(keys) or "rowid AS rowid_"

    def keep_new_rows(self, table: str) -> bool:
        key = self._key(table).replace(" AS rowid_", "")
        self.connection.execute(
            f'CREATE TEMP TABLE "sample_{table}" AS SELECT * FROM main."{table}"'
            f' WHERE ({key}) NOT IN (SELECT * FROM temp."before_{table}")'
        )
        return bool(self.connection.execute(f'SELECT count(*) FROM temp."sample_{table}"').get)

    def sample_values(self, table: str, column: str) -> list[object]:
        rows = self.connection.execute(
            f'SELECT "{column}" FROM temp."sample_{table}" WHERE "{column}" IS NOT NULL LIMIT 20000'
        )
        return [value for (value,) in rows]

    def smallest(self, table: str, column: str) -> int:
        return int(self.connection.execute(f'SELECT min("{column}") FROM main."{table}"').get)

    def prepare(self, began_ms: int) -> None:
        """Take the changed ids apart: milliseconds and the rest."""
        for table in self.tables:
            for column, kind in table.kinds.items():
                if kind != "id":
                    continue
                sample = f'temp."sample_{table.name}"'
                for part in ("ms", "rest"):
                    self.connection.execute(f'ALTER TABLE {sample} ADD COLUMN "{column}__{part}"')
                rows = self.connection.execute(f'SELECT rowid, "{column}" FROM {sample}').fetchall()
                self.connection.executemany(
                    f'UPDATE {sample} SET "{column}__ms" = ?, "{column}__rest" = ? WHERE rowid = ?',
                    [
                        (uuid_ms(value), value[13:], rowid)
                        for rowid, value in rows
                        if isinstance(value, str) and UUID.fullmatch(value) and uuid_ms(value) >= began_ms
                    ],
                )

    def copy(self, numbers: Sequence[int]) -> None:
        self.connection.execute("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF")
        self.connection.execute("BEGIN IMMEDIATE")
        for number in numbers:
            for table in self.tables:
                columns = ",".join(f'"{column}"' for column in table.columns)
                values = ",".join(self._value(table, column, number) for column in table.columns)
                self.connection.execute(
                    f'INSERT INTO main."{table.name}" ({columns}) SELECT {values} FROM temp."sample_{table.name}"'
                )
        self.connection.execute("COMMIT")

    def _value(self, table: Table, column: str, number: int) -> str:
        name, kind = f'"{column}"', table.kinds.get(column)
        seconds = number * self.step_s
        if kind == "id":
            ms = f'("{column}__ms" - {seconds * 1000})'
            moved = f"printf('%08x-%04x', {ms} >> 16, {ms} & 65535) || \"{column}__rest\""
            return f'CASE WHEN "{column}__ms" IS NULL THEN {name} ELSE {moved} END'
        if kind == "number":
            return f"{name} - {table.back(number)}"
        if kind == "time":
            moment = f"strftime('%Y-%m-%dT%H:%M:%S', substr({name}, 1, 19), '-{seconds} seconds')"
            return f"{moment} || substr({name}, 20)"
        return f"date({name}, '-{seconds} seconds')" if kind == "day" else name

    def settle(self) -> None:
        self.connection.execute(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_checkpoint(TRUNCATE)"
        ).fetchall()
