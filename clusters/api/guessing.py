"""Guessing access keys and operators' passwords is slow: wrong ones are counted by address and by whose they would be.

An address with too many wrong keys is refused until its window ends, without its keys being looked at. Right keys that
were used from there before pass: many clients may share an address. When too many wrong keys of one prefix came, from
wherever, each address has one try for that prefix. A right key from another address is never refused. The same holds
for passwords, whose prefix is the user's name.

Counts are in the cache; without it nobody is refused.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from redis import Redis
from redis.commands.core import Script

from clusters.api import throttling
from clusters.api.throttling import counted, of_cache, store

log = logging.getLogger(__name__)
WINDOW = 300
# So long (seconds) after it was last used from there, an address's right key passes beside wrong ones.
KNOWN = 86_400
# Judges a try and counts its request in one go: KEYS are the counts of wrong keys from the address, of the key, and
# of the key from the address, the mark that it is known there, and perhaps the count of its requests. ARGV: how many
# wrong keys are too many (0: any number may come), and the seconds after which requests are forgotten. A try that is
# held up is not counted, so whoever guesses fills no memory.
ADMIT = """
local seen = redis.call('MGET', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
local function of(place) return tonumber(seen[place] or 0) end
local most, known, held = tonumber(ARGV[1]), seen[4] and 1 or 0, false
if most > 0 and known == 1 then
  held = of(3) >= most
elseif most > 0 then
  held = of(1) >= most or (of(2) >= most and of(3) > 0)
end
if held then return {1, known, 0} end
if not KEYS[5] then return {0, known, 0} end
local count = redis.call('INCR', KEYS[5])
if count == 1 then redis.call('EXPIRE', KEYS[5], ARGV[2]) end
return {0, known, count}
"""
_NOTHING = (0, 0, 0)


@dataclass(frozen=True)
class Guessed:
    """What is guessed. `setting` names how many wrong ones there may be in a window; 0 for any number."""

    word: str
    title: str
    setting: str

    @property
    def most(self) -> int:
        """How many there may be."""
        return int(getattr(settings, self.setting))


KEYS = Guessed("key", "access keys", "WRONG_KEYS")
PASSWORDS = Guessed("password", "passwords", "WRONG_PASSWORDS")


class Guard:
    """One try from `address`: the key `prefix`, or the password of that user; None where it can be nobody's.

    `prefix` stands in the cache and in the log.
    """

    def __init__(self, address: str, prefix: str | None, of: Guessed = KEYS) -> None:
        now = time.time()
        window, self._left = int(now // WINDOW), WINDOW - now % WINDOW
        network = _network(address)
        self._source, self._prefix, self._of = network, prefix, of
        self._address = f"wrong-{of.word}s:{window}:from:{network}"
        self._key = f"wrong-{of.word}s:{window}:of:{prefix}"
        self._pair = f"wrong-{of.word}s:{window}:from:{network}:of:{prefix}"
        self._known = f"right-{of.word}:from:{network}:of:{prefix}"
        self._is_known = False

    def admit(self, requests: str | None = None) -> tuple[int, int]:
        """Seconds until it may be tried, 0 for now; and how many `requests` there are with this one."""
        most, names = self._of.most, [self._address, self._key, self._pair, self._known]
        if not most and requests is None:
            return 0, 0
        names += [requests] if requests else []
        held, known, count = of_cache(lambda: _admit(store(), names, most), _NOTHING)
        self._is_known = bool(known)
        return (int(self._left) + 1 if held else 0), count

    def failed(self) -> None:
        """Count a wrong one."""
        most = self._of.most
        if not most:
            return
        names = (self._address, self._key, self._pair) if self._prefix else (self._address,)
        none: list[int] = []
        counts = of_cache(lambda: counted(names, 2 * WINDOW), none)
        if most in counts:
            of = f", the last for {self._prefix}" if self._prefix else ""
            what = self._of.title
            log.warning("%d wrong %s came from %s%s: guessing is held up", max(counts), what, self._source, of)

    def succeeded(self) -> None:
        """It is right, so it is known from this address."""
        if self._of.most and not self._is_known:
            of_cache(lambda: store().set(self._known, 1, ex=KNOWN), None)


def _admit(server: Redis, names: Sequence[str], most: int) -> tuple[int, int, int]:
    held, known, count = _script(server)(keys=names, args=[most, 2 * throttling.WINDOW])
    return held, known, count


@lru_cache(maxsize=4)
def _script(server: Redis) -> Script:
    return server.register_script(ADMIT)


def _network(address: str) -> str:
    """What counts as one address: of IPv6 the /64, which one client has all to itself."""
    try:
        given = ipaddress.ip_address(address)
    except ValueError:  # a socket's file, or a proxy that writes something else
        return "elsewhere"
    if isinstance(given, ipaddress.IPv6Address):
        return str(given.ipv4_mapped or ipaddress.IPv6Address(int(given) >> 64 << 64))
    return str(given)
