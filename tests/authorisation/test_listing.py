"""What a store reads tells nothing of another store, whoever reads it and whatever it is.

A file of its own: the audit and the security log tell people what they asked, and here nobody has asked for anything.
"""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.authorisation import samples
from tests.authorisation.world import World

#: Lists that tell of other stores on purpose, with the reason.
TOLD = {"/customers": "the store where a customer was first entered is a fact that every store may see"}


@pytest.mark.req("RBC-12")
def test_no_answer_at_a_store_tells_of_another(world: World) -> None:
    tokens = {role: world.token(role, world.own) for role, scope in world.roles.items() if scope != "hq"}
    theirs = {kind: value for kind, value in world.other.ids.items() if value not in world.own.ids.values()}
    assert len(theirs) > 12
    wrong, read = [], 0
    for door in world.doors:
        for role, token in tokens.items():
            if door.is_action or not world.may(role, door):
                continue
            given = {} if door.route.params is None else samples.sample(door.does.name, door.route.params)
            if "product_id" in given:
                given["product_id"] = world.shared["product"]
            answer = world.wire.ask("GET", f"{world.path(door, world.own)}?{urlencode(given)}", token)
            read += answer.status == 200
            told = [kind for kind, value in theirs.items() if value in answer.text]
            if told and door.route.path.partition("/{")[0] not in TOLD:
                wrong.append(f"{door.route.path} as {role} tells of the other store's {', '.join(told)}")
    assert wrong == [], "\n".join(wrong)
    assert read > 60
