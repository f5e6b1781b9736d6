"""Which modules are on where: the rule that all doors ask, against any sequence of switches."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pos_core import Manifest
from pos_core.plugins import Module
from pos_core.registry.state import State, Toggle

NEEDS = {"core.a": (), "x.one": (), "x.two": ("x.one",), "x.three": ("x.two", "core.a"), "x.trade": ("core.a",)}
STORES = ("s1", "s2", "s3")


def modules() -> dict[str, Module]:
    depths = {"core.a": 0, "x.one": 0, "x.two": 1, "x.three": 2, "x.trade": 1}
    return {
        name: Module(name, "d", ModuleType("m"), Manifest(
            name=name, version="1", depends=needs, industry="retail" if name == "x.trade" else ""), depths[name])
        for name, needs in NEEDS.items()
    }  # fmt: skip


SWITCHES = st.lists(
    st.tuples(st.sampled_from([name for name in NEEDS if name != "core.a"]),
              st.sampled_from([None, "s1", "s2"]), st.booleans()), max_size=25,
)  # fmt: skip


@pytest.mark.req("MOD-02", "MOD-03", "MOD-06", "MOD-07")
@settings(max_examples=150, deadline=None)
@given(SWITCHES, st.sets(st.sampled_from(["x.one", "x.two", "x.trade"])))
def test_the_last_word_counts_and_needs_are_always_met(
    switches: list[tuple[str, str | None, bool]], off: set[str]
) -> None:
    latest = {(name, place): Toggle(name, place, on, number) for number, (name, place, on) in enumerate(switches, 1)}
    state = State(modules(), frozenset(off), latest.values())
    sets = {}
    for store in STORES:
        wanted = {name: name != "x.trade" for name in NEEDS}
        for name, place, on in switches:
            if place in (None, store):
                wanted[name] = on
        expected: set[str] = set()
        for name, needs in NEEDS.items():
            if (name == "core.a" or wanted[name]) and name not in off and expected.issuperset(needs):
                expected.add(name)
        sets[store] = expected
        assert state.enabled_set(store) == expected
    assert state.business == sets["s3"], "a store that nobody spoke of is like the business"
    named = {place for _, place, _ in switches if place is not None}
    assert state.enabled_set(None) == sets["s3"].union(*(sets[store] for store in named))
    assert "core.a" in state.enabled_set(None)


def test_equal_sets_are_one_object() -> None:
    state = State(modules(), frozenset(), [Toggle("x.one", "s1", True, 1)])
    assert state.enabled_set("s1") is state.enabled_set("s2") is state.business


def test_the_stores_that_differ_are_those_since_the_business_last_word() -> None:
    toggles = [Toggle("x.one", "s1", False, 1), Toggle("x.one", None, True, 2), Toggle("x.one", "s2", False, 3)]
    assert State(modules(), frozenset(), toggles).stores_of("x.one") == ["s2"]
