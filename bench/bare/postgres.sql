-- The bare limit on PostgreSQL: one call = one sale = one transaction, in a database that the product's migrations
-- made and with the rows that the product writes: the same tables and columns, indexes, foreign keys, checks and
-- triggers. Nothing but SQL is in the way.
--
-- What a caller hands over are whole rows, as PostgreSQL reads them, priced and taxed already. Made here, under the
-- lock of the register's chain, is what cannot be known before: the receipt's number, the entry's place in the chain,
-- the audit payload around them, and its link. So the audit verifier finds nothing to say about these sales.
--
-- What is simpler than in the product: nothing is read that only a program needs (session, articles, rules). Stock is
-- moved by UPDATE, as the rows are there since the first sales; the product makes them where they are missing. The
-- payload is put together from text that is kept between two sales. The fingerprint is that of the request's JSON as
-- it is sent, not of the validated command.

CREATE SCHEMA bench;

-- p_moves are ascending by product, the order in which every sale locks its stock.
CREATE FUNCTION bench.post_sale(
    p_sale ops_sale, p_lines ops_sale_line[], p_taxes ops_sale_tax[], p_payments ops_payment[],
    p_moves ops_stock_move[], p_audit core_audit_entry, p_outbox core_outbox, p_key core_idempotency,
    p_prefix text, p_digits integer,
    p_payload text, p_after_number text, p_after_receipt text, p_after_seq text
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_move ops_stock_move;
    v_counters text;
    v_number bigint;
    v_seq bigint;
BEGIN
    FOREACH v_move IN ARRAY p_moves LOOP
        UPDATE ops_stock_level
        SET on_hand = on_hand + v_move.quantity, floor = next_floor, moved_at = v_move.moved_at
        WHERE store_id = v_move.store_id AND product_id = v_move.product_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'product % has no stock level yet', v_move.product_id;
        END IF;
    END LOOP;

    SELECT seq + 1, head, counters, substring(counters FROM '"receipt":([0-9]+)')::bigint + 1
    INTO v_seq, p_audit.previous, v_counters, v_number
    FROM core_chain WHERE id = p_audit.chain_id FOR NO KEY UPDATE;

    p_sale.number := v_number;
    p_sale.receipt_number := p_prefix || lpad(v_number::text, greatest(p_digits, length(v_number::text)), '0');
    p_audit.seq := v_seq;
    p_audit.payload := concat(
        p_payload, v_number, p_after_number, p_sale.receipt_number, p_after_receipt, v_seq, p_after_seq
    );
    -- SHA-256(domain | chain | seq | previous | SHA-256(payload)), each part preceded by its length
    p_audit.hash := sha256(
        '\x00000011'::bytea || '3plugpos.audit.v1'::bytea
        || '\x00000024'::bytea || p_audit.chain_id::text::bytea
        || int4send(length(v_seq::text)) || v_seq::text::bytea
        || '\x00000020'::bytea || p_audit.previous
        || '\x00000020'::bytea || sha256(convert_to(p_audit.payload, 'UTF8'))
    );
    p_outbox.chain_seq := v_seq;
    p_key.seq := v_seq;

    INSERT INTO ops_sale VALUES (p_sale.*);
    INSERT INTO ops_sale_line SELECT * FROM unnest(p_lines);
    INSERT INTO ops_sale_tax SELECT * FROM unnest(p_taxes);
    INSERT INTO ops_payment SELECT * FROM unnest(p_payments);
    INSERT INTO ops_stock_move SELECT * FROM unnest(p_moves);
    INSERT INTO core_audit_entry VALUES (p_audit.*);
    INSERT INTO core_outbox VALUES (p_outbox.*);
    INSERT INTO core_idempotency VALUES (p_key.*);
    UPDATE core_chain
    SET seq = v_seq, head = p_audit.hash,
        counters = replace(v_counters, '"receipt":' || (v_number - 1), '"receipt":' || v_number)
    WHERE id = p_audit.chain_id;
    RETURN v_number;
END $$;
