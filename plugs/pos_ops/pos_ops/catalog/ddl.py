"""What the text search needs beyond the tables: an inverted index, kept by the database itself.

SQLite: a contentless FTS5 table beside a table of row numbers of its own (`VACUUM` may renumber the hidden rowids of
a table whose key is text, so those must not be relied on), both kept by triggers. PostgreSQL: a GIN index over the
words as they stand, without a parser of its own opinion; `fastupdate` is off, because a pending list would make the
first searches after an import slow.
"""

from __future__ import annotations

EXTRA: dict[str, list[str]] = {
    "sqlite": [
        (
            "CREATE TABLE ops_product_search (n INTEGER PRIMARY KEY, "
            "product_id TEXT NOT NULL UNIQUE REFERENCES ops_product (id) ON DELETE CASCADE)"
        ),
        (
            "CREATE VIRTUAL TABLE ops_product_fts USING fts5(words, content='', contentless_delete=1, detail=none, "
            "prefix='2 3 4', tokenize='unicode61 remove_diacritics 0')"
        ),
        (
            "CREATE TRIGGER ops_product_search_insert AFTER INSERT ON ops_product BEGIN "
            "INSERT INTO ops_product_search (product_id) VALUES (new.id); "
            "INSERT INTO ops_product_fts (rowid, words) "
            "VALUES ((SELECT n FROM ops_product_search WHERE product_id = new.id), new.search_text); END"
        ),
        (
            "CREATE TRIGGER ops_product_search_update AFTER UPDATE OF search_text ON ops_product "
            "WHEN new.search_text <> old.search_text BEGIN "
            "UPDATE ops_product_fts SET words = new.search_text "
            "WHERE rowid = (SELECT n FROM ops_product_search WHERE product_id = new.id); END"
        ),
        (
            "CREATE TRIGGER ops_product_search_delete BEFORE DELETE ON ops_product BEGIN "
            "DELETE FROM ops_product_fts WHERE rowid = (SELECT n FROM ops_product_search WHERE product_id = old.id); "
            "DELETE FROM ops_product_search WHERE product_id = old.id; END"
        ),
    ],
    "postgresql": [
        (
            "CREATE INDEX ops_product_words ON ops_product "
            "USING gin (array_to_tsvector(string_to_array(search_text, ' '))) WITH (fastupdate = off)"
        ),
    ],
}
