-- The bare limit: what one five-line, two-tender sale costs on PostgreSQL when nothing but SQL is in the way.
-- Same rows, keys, indexes and foreign keys as a sale of the product; ids are UUIDv7 made by the client.

CREATE TABLE stores (
    id uuid PRIMARY KEY,
    name text NOT NULL
);

-- One row per till: receipt number and head of its audit chain, so a sale locks exactly one row of its own.
CREATE TABLE registers (
    id uuid PRIMARY KEY,
    store_id uuid NOT NULL REFERENCES stores (id),
    code text NOT NULL,
    receipt_number bigint NOT NULL DEFAULT 0,
    audit_seq bigint NOT NULL DEFAULT 0,
    audit_prev bytea NOT NULL DEFAULT ''::bytea,
    audit_head bytea NOT NULL DEFAULT ''::bytea,
    UNIQUE (store_id, code)
) WITH (fillfactor = 50);

CREATE TABLE products (
    id uuid PRIMARY KEY,
    sku text NOT NULL UNIQUE,
    name text NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor >= 0)
);

CREATE TABLE stock_levels (
    store_id uuid NOT NULL REFERENCES stores (id),
    product_id uuid NOT NULL REFERENCES products (id),
    quantity bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (store_id, product_id)
) WITH (fillfactor = 50);

CREATE TABLE sales (
    id uuid PRIMARY KEY,
    store_id uuid NOT NULL REFERENCES stores (id),
    register_id uuid NOT NULL REFERENCES registers (id),
    receipt_number bigint NOT NULL,
    status text NOT NULL,
    currency text NOT NULL,
    business_date date NOT NULL,
    subtotal_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    total_minor bigint NOT NULL,
    sold_at timestamptz NOT NULL,
    UNIQUE (register_id, receipt_number)
);
CREATE INDEX sales_store_date ON sales (store_id, business_date);

CREATE TABLE sale_lines (
    id uuid PRIMARY KEY,
    sale_id uuid NOT NULL REFERENCES sales (id),
    position integer NOT NULL,
    product_id uuid NOT NULL REFERENCES products (id),
    name text NOT NULL,
    quantity bigint NOT NULL CHECK (quantity <> 0),
    unit_price_minor bigint NOT NULL,
    tax_rate bigint NOT NULL,
    tax_minor bigint NOT NULL,
    total_minor bigint NOT NULL
);
CREATE INDEX sale_lines_sale ON sale_lines (sale_id);
CREATE INDEX sale_lines_product ON sale_lines (product_id, id);

CREATE TABLE sale_taxes (
    id uuid PRIMARY KEY,
    sale_id uuid NOT NULL REFERENCES sales (id),
    code text NOT NULL,
    rate bigint NOT NULL,
    base_minor bigint NOT NULL,
    amount_minor bigint NOT NULL
);
CREATE INDEX sale_taxes_sale ON sale_taxes (sale_id);

CREATE TABLE payments (
    id uuid PRIMARY KEY,
    sale_id uuid NOT NULL REFERENCES sales (id),
    tender text NOT NULL,
    amount_minor bigint NOT NULL,
    taken_at timestamptz NOT NULL
);
CREATE INDEX payments_sale ON payments (sale_id);

CREATE TABLE stock_moves (
    id uuid PRIMARY KEY,
    store_id uuid NOT NULL REFERENCES stores (id),
    product_id uuid NOT NULL REFERENCES products (id),
    sale_id uuid NOT NULL REFERENCES sales (id),
    quantity bigint NOT NULL,
    reason text NOT NULL,
    moved_at timestamptz NOT NULL
);
CREATE INDEX stock_moves_product ON stock_moves (store_id, product_id, id);

CREATE TABLE audit_entries (
    chain_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('done', 'refused', 'denied', 'failed')),
    entity_type text NOT NULL,
    entity_id uuid,
    store_id uuid,
    actor_id uuid,
    encoding integer NOT NULL,
    payload text NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (chain_id, seq)
);
CREATE INDEX audit_entries_entity ON audit_entries (entity_id, entity_type);

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    event text NOT NULL,
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    store_id uuid,
    chain_id uuid NOT NULL,
    chain_seq bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'sent', 'dead')),
    attempts integer NOT NULL,
    created_at timestamptz NOT NULL,
    next_try_at timestamptz
);
CREATE INDEX outbox_pending ON outbox (next_try_at) WHERE status = 'pending';

-- The answer to a sale is the fact of its audit entry and is not stored twice.
CREATE TABLE idempotency (
    key text NOT NULL,
    scope text NOT NULL,
    fingerprint bytea NOT NULL,
    status integer NOT NULL,
    answer text,
    chain_id uuid,
    seq bigint,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (key, scope)
);

-- One call = one sale = one transaction. Lock order: stock rows in product order (the caller sorts), then the register.
CREATE FUNCTION post_sale(
    p_sale uuid, p_store uuid, p_register uuid, p_now timestamptz, p_date date,
    p_subtotal bigint, p_tax bigint, p_total bigint,
    p_lines uuid[], p_products uuid[], p_names text[], p_quantities bigint[], p_prices bigint[],
    p_line_taxes bigint[], p_line_totals bigint[],
    p_tax_row uuid, p_rate bigint,
    p_payments uuid[], p_tenders text[], p_amounts bigint[],
    p_moves uuid[], p_payload text, p_outbox uuid, p_fingerprint bytea
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    i integer;
    v_receipt bigint;
    v_seq bigint;
    v_prev bytea;
    v_head bytea;
BEGIN
    FOR i IN 1 .. array_length(p_products, 1) LOOP
        UPDATE stock_levels SET quantity = quantity - p_quantities[i]
        WHERE store_id = p_store AND product_id = p_products[i];
    END LOOP;
    UPDATE registers SET
        receipt_number = receipt_number + 1,
        audit_seq = audit_seq + 1,
        audit_prev = audit_head,
        audit_head = sha256('pos.audit.v1'::bytea || uuid_send(id) || int8send(audit_seq + 1)
                            || int4send(octet_length(audit_head)) || audit_head || sha256(convert_to(p_payload, 'UTF8')))
    WHERE id = p_register
    RETURNING receipt_number, audit_seq, audit_prev, audit_head INTO v_receipt, v_seq, v_prev, v_head;
    INSERT INTO sales VALUES (p_sale, p_store, p_register, v_receipt, 'completed', 'EUR', p_date,
                              p_subtotal, p_tax, p_total, p_now);
    INSERT INTO sale_lines
        SELECT l.id, p_sale, l.position, l.product, l.name, l.quantity, l.price, p_rate, l.tax, l.total
        FROM unnest(p_lines, p_products, p_names, p_quantities, p_prices, p_line_taxes, p_line_totals)
             WITH ORDINALITY AS l (id, product, name, quantity, price, tax, total, position);
    INSERT INTO sale_taxes VALUES (p_tax_row, p_sale, 'STD', p_rate, p_subtotal, p_tax);
    INSERT INTO payments
        SELECT t.id, p_sale, t.tender, t.amount, p_now
        FROM unnest(p_payments, p_tenders, p_amounts) AS t (id, tender, amount);
    INSERT INTO stock_moves
        SELECT m.id, p_store, m.product, p_sale, -m.quantity, 'sale', p_now
        FROM unnest(p_moves, p_products, p_quantities) AS m (id, product, quantity);
    INSERT INTO audit_entries VALUES (p_register, v_seq, p_now, 'sale:complete', 'done', 'sale', p_sale, p_store,
                                      p_register, 1, p_payload, v_prev, v_head);
    INSERT INTO outbox VALUES (p_outbox, 'sale:completed', 'sale', p_sale, p_store, p_register, v_seq, 'pending', 0,
                               p_now, p_now);
    INSERT INTO idempotency VALUES (p_sale::text, 'sale:complete', p_fingerprint, 201, NULL, p_register, v_seq, p_now);
    RETURN v_receipt;
END $$;
