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
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import cache

from clusters.api.throttling import counted, of_cache

log = logging.getLogger(__name__)
WINDOW = 300
# So long (seconds) after it was last used from there, an address's right key passes beside wrong ones.
KNOWN = 86_400


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

    def wait(self) -> int:
        """Seconds until it may be tried, 0 for now."""
        most = self._of.most
        if not most:
            return 0
        none: dict[str, Any] = {}
        seen = of_cache(lambda: cache.get_many([self._address, self._key, self._pair, self._known]), none)
        self._is_known = self._known in seen
        own = seen.get(self._pair, 0)
        hunted = seen.get(self._key, 0) >= most
        too_many = own >= most if self._is_known else seen.get(self._address, 0) >= most or (hunted and own > 0)
        return int(self._left) + 1 if too_many else 0

    def failed(self) -> None:
        """Count a wrong one."""
        most = self._of.most
        if not most:
            return
        names = (self._address, self._key, self._pair) if self._prefix else (self._address,)
        none: list[int] = []
        counts = of_cache(lambda: [counted(name, 2 * WINDOW) for name in names], none)
        if most in counts:
            of = f", the last for {self._prefix}" if self._prefix else ""
            what = self._of.title
            log.warning("%d wrong %s came from %s%s: guessing is held up", max(counts), what, self._source, of)

    def succeeded(self) -> None:
        """It is right, so it is known from this address."""
        if self._of.most and not self._is_known:
            of_cache(lambda: cache.set(self._known, 1, KNOWN), None)


def _network(address: str) -> str:
    """What counts as one address: of IPv6 the /64, which one client has all to itself."""
    try:
        given = ipaddress.ip_address(address)
    except ValueError:  # a socket's file, or a proxy that writes something else
        return "elsewhere"
    if isinstance(given, ipaddress.IPv6Address):
        return str(given.ipv4_mapped or ipaddress.IPv6Address(int(given) >> 64 << 64))
    return str(given)
