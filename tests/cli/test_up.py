from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

STANDING_IN = """
import signal, sys
def stop(number, frame):
    print("stopping by", number, flush=True)
    sys.exit(7)
signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)
print("SIMULATED service", *sys.argv[1:], flush=True)
while True:
    signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_hands_over_options_signals_and_exit_code(tmp_path: Path, number: signal.Signals) -> None:
    package = tmp_path / "sanqian_service"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "up.py").write_text(STANDING_IN)
    root = Path(__file__).parents[2]
    start = f"import sys; sys.path.append({str(root)!r}); from cli.main import main; main()"
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            start,
            "up",
            "--data-directory",
            "data",
            "--port",
            "8399",
            "--manage",
            "do",
            "--port",
            "1",
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert (
        process.stdout.readline()
        == f"SIMULATED service --port 8399 --data-directory {tmp_path / 'data'} --manage do --port 1\n"
    )

    process.send_signal(number)

    assert process.communicate(timeout=30)[0] == f"stopping by {number}\n"
    assert process.returncode == 7
