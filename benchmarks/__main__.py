"""All benchmarks, one after the other."""

from __future__ import annotations

import sys

from benchmarks import engine, remote, rest

sys.exit(max(remote.main([]), engine.main([]), rest.main([])))
