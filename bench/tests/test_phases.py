"""The profile's time is split by where functions live, and adds up."""

from __future__ import annotations

import orjson
import pytest

from bench import phases


@pytest.mark.parametrize(
    ("file", "function", "phase"),
    [
        ("~", "<method 'execute' of 'psycopg2.extensions.cursor' objects>", "database and its driver"),
        ("/x/pos_core/db/tables.py", "values", "SQL text and parameters"),
        ("/x/plugs/pos_ops/pos_ops/sales/rules.py", "check_open", "rules"),
        ("/x/plugs/pos_ops/pos_ops/sales/schemas.py", "strip", "validation"),
        ("/x/pos_core/actions.py", "perform", "pipeline"),
        ("C:\\x\\pos_core\\audit\\chain.py", "link", "audit"),
        ("/usr/lib/python3/random.py", "choice", phases.OTHER),
    ],
)
@pytest.mark.req("TST-04")
def test_each_function_has_its_phase(file: str, function: str, phase: str) -> None:
    assert phases.phase_of(file, function) == phase


@pytest.mark.req("TST-04")
def test_the_phases_add_up_to_the_time_without_profiler() -> None:
    found = phases.profiled(lambda: orjson.loads(orjson.dumps({str(number): number for number in range(200)})))
    assert found["serialisation"] > 0
    assert found["sum"] == pytest.approx(sum(us for phase, us in found.items() if phase != "sum"))
