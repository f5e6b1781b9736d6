"""Round trips are counted right however the server's bytes are cut."""

from __future__ import annotations

import struct

import psycopg2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import scratch, wire

MESSAGES = st.lists(st.tuples(st.sampled_from(b"ZDTCRSK1"), st.binary(max_size=300)), max_size=30)


@given(messages=MESSAGES, cuts=st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_ready_messages_are_counted_wherever_the_stream_is_cut(
    messages: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(struct.pack("!BI", kind, len(body) + 4) + body for kind, body in messages)
    reader = wire.MessageReader()
    at = number = 0
    while at < len(stream):
        size = cuts[number % len(cuts)]
        reader.feed(stream[at : at + size])
        at, number = at + size, number + 1
    assert reader.round_trips == sum(kind == wire.READY_FOR_QUERY for kind, _ in messages)


@pytest.mark.req("TST-04")
def test_the_driver_s_own_begin_and_commit_are_seen() -> None:
    server = scratch.server_url()
    if server is None:
        pytest.skip("no PostgreSQL server is named: set POS_TEST_POSTGRES")
    with wire.CountingRelay(server) as relay:
        connection = psycopg2.connect(relay.url)
        try:
            before = relay.round_trips
            with connection.cursor() as cursor:
                cursor.execute("SELECT repeat('x', 100000)")
                assert len(cursor.fetchone()[0]) == 100_000
                cursor.execute("SELECT 1; SELECT 2")
            connection.commit()
            assert relay.round_trips - before == 4
        finally:
            connection.close()
