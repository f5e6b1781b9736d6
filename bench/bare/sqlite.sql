-- The bare limit on SQLite: same rows, keys, indexes and foreign keys as postgres.sql.
-- Ids are UUIDv7 text, times are microseconds since the epoch, hashes are blobs.

CREATE TABLE stores (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL);

CREATE TABLE registers (
    id TEXT NOT NULL PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES stores (id),
    code TEXT NOT NULL,
    receipt_number INTEGER NOT NULL DEFAULT 0,
    audit_seq INTEGER NOT NULL DEFAULT 0,
    audit_head BLOB NOT NULL DEFAULT x'',
    UNIQUE (store_id, code)
);

CREATE TABLE products (
    id TEXT NOT NULL PRIMARY KEY,
    sku TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    price_minor INTEGER NOT NULL CHECK (price_minor >= 0)
);

CREATE TABLE stock_levels (
    store_id TEXT NOT NULL REFERENCES stores (id),
    product_id TEXT NOT NULL REFERENCES products (id),
    quantity INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (store_id, product_id)
) WITHOUT ROWID;

CREATE TABLE sales (
    id TEXT NOT NULL PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES stores (id),
    register_id TEXT NOT NULL REFERENCES registers (id),
    receipt_number INTEGER NOT NULL,
    status TEXT NOT NULL,
    currency TEXT NOT NULL,
    business_date TEXT NOT NULL,
    subtotal_minor INTEGER NOT NULL,
    tax_minor INTEGER NOT NULL,
    total_minor INTEGER NOT NULL,
    sold_at INTEGER NOT NULL,
    UNIQUE (register_id, receipt_number)
);
CREATE INDEX sales_store_date ON sales (store_id, business_date);

CREATE TABLE sale_lines (
    id TEXT NOT NULL PRIMARY KEY,
    sale_id TEXT NOT NULL REFERENCES sales (id),
    position INTEGER NOT NULL,
    product_id TEXT NOT NULL REFERENCES products (id),
    name TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity <> 0),
    unit_price_minor INTEGER NOT NULL,
    tax_rate INTEGER NOT NULL,
    tax_minor INTEGER NOT NULL,
    total_minor INTEGER NOT NULL
);
CREATE INDEX sale_lines_sale ON sale_lines (sale_id);
CREATE INDEX sale_lines_product ON sale_lines (product_id, id);

CREATE TABLE sale_taxes (
    id TEXT NOT NULL PRIMARY KEY,
    sale_id TEXT NOT NULL REFERENCES sales (id),
    code TEXT NOT NULL,
    rate INTEGER NOT NULL,
    base_minor INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL
);
CREATE INDEX sale_taxes_sale ON sale_taxes (sale_id);

CREATE TABLE payments (
    id TEXT NOT NULL PRIMARY KEY,
    sale_id TEXT NOT NULL REFERENCES sales (id),
    tender TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    taken_at INTEGER NOT NULL
);
CREATE INDEX payments_sale ON payments (sale_id);

CREATE TABLE stock_moves (
    id TEXT NOT NULL PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES stores (id),
    product_id TEXT NOT NULL REFERENCES products (id),
    sale_id TEXT NOT NULL REFERENCES sales (id),
    quantity INTEGER NOT NULL,
    reason TEXT NOT NULL,
    moved_at INTEGER NOT NULL
);
CREATE INDEX stock_moves_product ON stock_moves (store_id, product_id, id);

CREATE TABLE audit_entries (
    chain_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'refused', 'denied', 'failed')),
    entity_type TEXT NOT NULL,
    entity_id TEXT,
    store_id TEXT,
    actor_id TEXT,
    encoding INTEGER NOT NULL,
    payload TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (chain_id, seq)
);
CREATE INDEX audit_entries_entity ON audit_entries (entity_id, entity_type);

CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    event TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    store_id TEXT,
    chain_id TEXT NOT NULL,
    chain_seq INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'sent', 'dead')),
    attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    next_try_at INTEGER
);
CREATE INDEX outbox_pending ON outbox (next_try_at) WHERE status = 'pending';

-- The answer to a sale is the fact of its audit entry and is not stored twice.
CREATE TABLE idempotency (
    key TEXT NOT NULL,
    scope TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    status INTEGER NOT NULL,
    answer TEXT,
    chain_id TEXT,
    seq INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (key, scope)
);
