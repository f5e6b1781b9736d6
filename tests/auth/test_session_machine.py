"""Whatever people do in whatever order, sessions and tokens are good exactly as long as a small model says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from pos_core import clock
from pos_core.auth import schemas
from pos_core.context import Context
from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.testing.harness import PASSWORD, Business
from tests.auth.signing import anybody, as_user

CONTEXTS = ("hq", "pos")
ROLES = {"hq": "auditor", "pos": "cashier"}
GRACE, LIFE = timedelta(seconds=30), timedelta(days=7)
STEPS = (timedelta(microseconds=1), timedelta(seconds=20), timedelta(seconds=31), timedelta(minutes=14),
         timedelta(minutes=16), timedelta(days=6), timedelta(days=8), timedelta(days=29))  # fmt: skip
users, contexts, places, agents = (
    st.sampled_from("ab"), st.sampled_from(CONTEXTS), st.integers(0, 7), st.sampled_from(("own", "other"))
)


@dataclass
class Token:
    text: str
    expires_at: datetime
    used_at: datetime | None = None
    used_by: str = ""


@dataclass
class Known:
    """What the model knows of a session: its tokens in their order, and the access tokens that came with them."""

    user: str
    context: str
    began_at: datetime
    ends_at: datetime
    ended: bool = False
    tokens: list[Token] = field(default_factory=list)
    access: list[tuple[str, datetime]] = field(default_factory=list)

    def alive(self, now: datetime) -> bool:
        return not self.ended and now < self.ends_at


class Machine(RuleBasedStateMachine):
    """The product beside its model."""

    business: ClassVar[Business]

    @initialize()
    def people(self) -> None:
        """Two people who hold both roles, and a till that both sign in at."""
        self.sessions: list[Known] = []
        self.off: set[str] = set()
        self.blocked = False
        self.roles = {(user, context) for user in "ab" for context in CONTEXTS}
        self.names = {user: f"{user}-{uuid7()}" for user in "ab"}
        self.ids = {}
        for user, name in self.names.items():
            made = self.act("user:create", id=uuid7(), username=name[:30], full_name=name, password=PASSWORD)
            self.names[user], self.ids[user] = made["username"], made["id"]
            for context in CONTEXTS:
                self.act("user:assign", user_id=made["id"], role=ROLES[context], **self.place(context))
        enrolled = self.act("device:enrol", id=uuid7(), store_id=self.business.store_id, name="Till")
        self.device = {"id": enrolled["id"], "key": enrolled["key"]}

    # -- what is asked of the product ------------------------------------------------------------------------------

    def act(self, action: str, **command: Any) -> dict[str, Any]:
        return self.business.perform(action, command)

    def place(self, context: str) -> dict[str, Any]:
        return {"store_id": self.business.store_id} if context == "pos" else {}

    @property
    def now(self) -> datetime:
        return self.business.clock.now()

    def attempt(self, action: str, command: Any, agent: str) -> tuple[str, dict[str, Any]]:
        """("", the answer), or (the code it was refused with, nothing)."""
        ctx: Context = anybody(self.business.kernel, user_agent=agent)
        try:
            return "", self.business.kernel.perform(ctx, action, command).data
        except PosError as error:
            return error.code.code, {}

    # -- what happens ----------------------------------------------------------------------------------------------

    @rule(user=users, context=contexts)
    def sign_in(self, user: str, context: str) -> None:
        command = schemas.SignIn.model_validate({
            "username": self.names[user], "password": PASSWORD, "app_context": context, "delivery": "body",
            "device": self.device if context == "pos" else None,
        })  # fmt: skip
        code, answer = self.attempt("session:open", command, "own")
        if user in self.off or (context == "pos" and self.blocked):
            assert code == "credentials_wrong"
            return
        if (user, context) not in self.roles:
            assert code == "no_role_here"
            return
        assert code == ""
        for other in self.sessions:
            other.ended |= (other.user, other.context) == (user, context)
        made = Known(user, context, self.now, self.now + timedelta(hours=720))
        self.sessions.append(made)
        self.keep(made, answer)

    def keep(self, session: Known, answer: dict[str, Any]) -> None:
        if not session.tokens or session.tokens[-1].text != answer["refresh_token"]:
            session.tokens.append(Token(answer["refresh_token"], min(session.ends_at, self.now + LIFE)))
        session.access.append((answer["access_token"], clock.from_text(answer["expires_at"])))

    @rule(place=places, back=st.integers(0, 2), agent=agents)
    def refresh_with(self, place: int, back: int, agent: str) -> None:
        """The latest token, or one of the used ones before it, by the same machine or another."""
        self.refresh(place, back, agent)

    def refresh(self, place: int, back: int, agent: str) -> None:
        if not self.sessions:
            return
        session = self.pick(place)
        number = max(0, len(session.tokens) - 1 - back)
        token = session.tokens[number]
        code, answer = self.attempt("session:refresh", schemas.Refresh(refresh_token=token.text), agent)  # type: ignore[arg-type]
        if not session.alive(self.now):
            assert code in ("session_ended", "token_expired", "refresh_token_invalid")
        elif token.expires_at <= self.now:
            assert code == "refresh_token_invalid"
        elif token.used_at is None:
            assert code == ""
            token.used_at, token.used_by = self.now, agent
            self.keep(session, answer)
            assert len(session.tokens) == number + 2, "a successor of its own"
        elif token.used_by == agent and self.now - token.used_at <= GRACE and not session.tokens[number + 1].used_at:
            assert code == ""
            assert answer["refresh_token"] == session.tokens[number + 1].text
            self.keep(session, answer)
        else:
            assert code == "refresh_token_reused"
            session.ended = True

    @rule(step=st.sampled_from((timedelta(0), timedelta(seconds=30), timedelta(seconds=31))), agent=agents,
          more=st.integers(0, 1))  # fmt: skip
    def lose_an_answer(self, step: timedelta, agent: str, more: int) -> None:
        """The latest token is used, perhaps its successor too, and after a while it is used again."""
        if not any(session.alive(self.now) for session in self.sessions):
            self.sign_in("a", "hq")
        for _ in range(1 + more):
            self.refresh(0, 0, "own")
        self.business.clock.advance(step)
        self.refresh(0, 1 + more, agent)

    def pick(self, place: int) -> Known:
        """A session: the open ones first, the latest of them before the others."""
        ranked = sorted(self.sessions, key=lambda session: (not session.alive(self.now), -session.began_at.timestamp()))
        return ranked[place % len(ranked)]

    @rule(place=places)
    def sign_out(self, place: int) -> None:
        if not self.sessions:
            return
        session = self.pick(place)
        try:
            ctx = as_user(self.business, {"access_token": session.access[-1][0]})
        except PosError:
            return
        self.business.kernel.perform(ctx, "session:close", {})
        session.ended = True

    @rule(user=users)
    def end_user(self, user: str) -> None:
        self.act("session:end_user", user_id=self.ids[user], reason="told so")
        for session in self.sessions:
            session.ended |= session.user == user

    @rule(place=places)
    def end_all_since(self, place: int) -> None:
        since = self.sessions[-1 - place % len(self.sessions)].began_at if self.sessions else self.now
        self.act("session:end_all", since=since.isoformat(), reason="a span of time")
        for session in self.sessions:
            session.ended |= session.began_at >= since

    @rule(user=users, context=contexts)
    def change_role(self, user: str, context: str) -> None:
        """Give the role, or take it away where it is held: it bites at the next request."""
        command = {"user_id": self.ids[user], "role": ROLES[context], **self.place(context)}
        if (user, context) in self.roles:
            self.act("user:unassign", **command)
        else:
            self.act("user:assign", **command)
        self.roles ^= {(user, context)}

    @rule(user=users)
    def switch_account(self, user: str) -> None:
        version = self.business.query("user:get", id=self.ids[user])["version"]
        self.act("user:edit", id=self.ids[user], is_active=user in self.off, version=version, reason="maintenance")
        for session in self.sessions:
            session.ended |= session.user == user and user not in self.off
        self.off ^= {user}

    @rule()
    def switch_device(self) -> None:
        version = next(d["version"] for d in self.business.query("device:list", limit=200)[0]
                       if d["id"] == self.device["id"])  # fmt: skip
        self.act("device:unblock" if self.blocked else "device:block", id=self.device["id"], version=version,
                 reason="maintenance")
        self.blocked = not self.blocked
        for session in self.sessions:
            session.ended |= session.context == "pos" and self.blocked

    @rule(step=st.sampled_from(STEPS))
    def time_passes(self, step: timedelta) -> None:
        self.business.clock.advance(step)

    # -- what always holds -----------------------------------------------------------------------------------------

    @invariant()
    def tokens_are_good_as_the_model_says(self) -> None:
        for session in getattr(self, "sessions", [])[-4:]:
            for token, ends_at in session.access[-2:]:
                good = session.alive(self.now) and self.now < ends_at
                ctx, code = None, ""
                try:
                    ctx = as_user(self.business, {"access_token": token})
                except PosError as error:
                    code = error.code.code
                assert (ctx is not None) == good, (code, session, self.now)
                if ctx is None:
                    continue
                assert bool(ctx.actor.permissions) == ((session.user, session.context) in self.roles)
                assert all(code.startswith(f"{session.context}:") for code in ctx.actor.permissions)


@pytest.mark.req("AUT-10", "AUT-13", "AUT-14", "SES-02", "SES-04", "RBC-04")
def test_sessions_follow_the_model(business: Business) -> None:
    for key in ("sign_in.attempts_per_name", "sign_in.lock_after"):  # limits have tests of their own
        business.perform("setting:change", {"key": key, "value": 1000, "version": 0})
    checked = type("Checked", (Machine,), {"business": business})
    few = settings(max_examples=25, stateful_step_count=40, deadline=None, database=None, print_blob=False,
                   phases=(Phase.generate,), suppress_health_check=list(HealthCheck))  # fmt: skip
    run_state_machine_as_test(checked, settings=few)
