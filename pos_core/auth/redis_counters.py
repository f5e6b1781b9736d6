"""Attempts in Redis, for several servers before one database: the same figures, each step one script.

A subject's tries stand in a sorted set by their time (microseconds since 1970), those nobody has settled yet in a
second one; an address' tries likewise. A lockout is a key with the moment of its end. Everything goes by itself when it
counts no longer. Where Redis is gone nobody signs in: an uncounted sign-in would be a free guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import redis
from redis.exceptions import RedisError

from pos_core.auth.limits import (
    COUNTERS_DOWN,
    PENDING_S,
    SIGN_IN_PENDING,
    Attempt,
    Counters,
    Ending,
    Limits,
    Tally,
    judge,
)

if TYPE_CHECKING:
    from pos_core.context import Context

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIMEOUT_S = 3
#: How many times a reservation looks again because somebody else counted in between.
_ROUNDS = 50

# KEYS: subject's tries, its pending ones, the address' tries, its pending ones, lock, the subject's revision.
# ARGV: window's begin. Gives what stands against a try, and the revision it was read at.
_READ = """
for i = 1, 4 do redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', ARGV[1]) end
return {redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES'), redis.call('ZRANGE', KEYS[2], 0, -1),
  redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES'), redis.call('ZRANGE', KEYS[4], 0, -1),
  redis.call('GET', KEYS[5]), redis.call('GET', KEYS[6]), redis.call('GET', KEYS[7])}
"""
# Counts a try as pending, if nobody counted for its name or address since the revisions that were read.
_RESERVE = """
if (redis.call('GET', KEYS[6]) or '') ~= ARGV[4] or (redis.call('GET', KEYS[7]) or '') ~= ARGV[5] then return 0 end
for i = 1, 4 do
  if i < 3 or ARGV[6] == '1' then
    redis.call('ZADD', KEYS[i], ARGV[2], ARGV[1])
    redis.call('PEXPIRE', KEYS[i], ARGV[3])
  end
end
for i = 6, 7 do redis.call('INCR', KEYS[i]) redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
return 1
"""
# Settles a try. ARGV: id, outcome, failures that lock, now, lock's end, its life in ms, when unsettled tries died, the
# try's time.
_SETTLE = """
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('INCR', KEYS[6]) redis.call('INCR', KEYS[7])
if ARGV[2] ~= 'failed' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
end
if ARGV[2] == 'succeeded' then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if not redis.call('ZSCORE', KEYS[2], id) then redis.call('ZREM', KEYS[1], id) end
  end
end
if ARGV[2] ~= 'failed' then return 0 end
redis.call('ZADD', KEYS[1], ARGV[8], ARGV[1])
local until_at = redis.call('GET', KEYS[5])
if until_at and tonumber(until_at) > tonumber(ARGV[4]) then return 0 end
local failed = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local waits = redis.call('ZSCORE', KEYS[2], id)
  if not waits or tonumber(waits) <= tonumber(ARGV[7]) then failed = failed + 1 end
end
if failed < tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[5], ARGV[5], 'PX', ARGV[6])
return 1
"""


class RedisCounters(Counters):
    """See the module. `instance_id` keeps businesses apart that share a Redis."""

    def __init__(self, url: str, instance_id: str) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, decode_responses=True
        )
        self._prefix = f"pos:{instance_id}:"
        self._read = self._redis.register_script(_READ)
        self._reserve = self._redis.register_script(_RESERVE)
        self._settle = self._redis.register_script(_SETTLE)

    def _keys(self, attempt: Attempt) -> list[str]:
        subject, address = attempt.subject.hex(), attempt.address or "-"
        names = (f"s:{subject}", f"s:{subject}:p", f"a:{address}", f"a:{address}:p", f"l:{attempt.lock.hex()}",
                 f"s:{subject}:r", f"a:{address}:r")  # fmt: skip
        return [self._prefix + name for name in names]

    def _call(self, script: Any, attempt: Attempt, arguments: Iterable[Any]) -> Any:
        try:
            return script(keys=self._keys(attempt), args=list(arguments))
        except RedisError as error:
            raise COUNTERS_DOWN() from error

    def _seen(self, attempt: Attempt, limits: Limits) -> tuple[Tally, str, str]:
        found = self._call(self._read, attempt, [_stamp(attempt.at - limits.window)])
        tries, waiting, near, near_waiting, until, revision, near_revision = found
        died = attempt.at - timedelta(seconds=PENDING_S)
        own = _split(tries, set(waiting), died)
        around = _split(near, set(near_waiting), died) if attempt.address else ((), 0)
        tally = Tally(*own, *around, _moment(until) if until is not None else None)
        return tally, revision or "", near_revision or ""

    def tally(self, ctx: Context, attempt: Attempt, limits: Limits) -> Tally:
        return self._seen(attempt, limits)[0]

    def reserve(self, ctx: Context, attempt: Attempt, limits: Limits) -> None:
        life = (2 * limits.window) // timedelta(milliseconds=1)
        for _ in range(_ROUNDS):
            tally, revision, near = self._seen(attempt, limits)
            judge(attempt, tally, limits)
            counts = "1" if attempt.address else "0"
            if self._call(self._reserve, attempt, [attempt.id, _stamp(attempt.at), life, revision, near, counts]):
                return
        raise SIGN_IN_PENDING(retry_after=2)

    def settle(self, ctx: Context, attempt: Attempt, limits: Limits, outcome: Ending) -> bool:
        now = ctx.kernel.clock.now()
        died = now - timedelta(seconds=PENDING_S)
        life = limits.lock // timedelta(milliseconds=1)
        return bool(self._call(self._settle, attempt, (
            attempt.id, outcome, limits.lock_after, _stamp(now), _stamp(now + limits.lock), life, _stamp(died),
            _stamp(attempt.at),
        )))  # fmt: skip

    def forgive(self, ctx: Context, attempts: tuple[Attempt, ...]) -> None:
        """Forget after the commit, because what Redis forgot cannot be rolled back."""
        names = [name for attempt in attempts for name in (self._keys(attempt)[0], *self._keys(attempt)[4:5])]

        def forget() -> None:
            self._redis.delete(*names)

        ctx.writing.on_commit(forget)

    def locked_until(self, ctx: Context, locks: tuple[bytes, ...]) -> dict[bytes, datetime]:
        now = ctx.kernel.clock.now()
        try:
            found: Any = self._redis.mget([f"{self._prefix}l:{lock.hex()}" for lock in locks])
        except RedisError as error:
            raise COUNTERS_DOWN() from error
        ends = {lock: _moment(text) for lock, text in zip(locks, found, strict=True) if text is not None}
        return {lock: until for lock, until in ends.items() if until > now}


def _split(tries: list[str], waiting: set[str], died: datetime) -> tuple[tuple[datetime, ...], int]:
    """(the failures' times, latest first; how many are pending) of a flat list of ids and scores."""
    pairs = [(name, _moment(score)) for name, score in zip(tries[::2], tries[1::2], strict=True)]
    failed = sorted((at for name, at in pairs if name not in waiting or at <= died), reverse=True)
    return tuple(failed), len(pairs) - len(failed)


def _stamp(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _moment(text: str) -> datetime:
    return _EPOCH + int(float(text)) * _MICROSECOND
