"""``__main__`` of the packed toolchain: unpack once, so that Python keeps compiled files, then run the program.

The program is chosen by the name that the archive, or a link to it, was called by.
"""

import os
import sys
import tempfile
import zipfile
from pathlib import Path

CACHE = Path("/var/cache/lab-toolchain")


def unpacked(archive: Path) -> Path:
    """A directory with the archive's files; the archive itself where the cache cannot be written."""
    with zipfile.ZipFile(archive) as files:
        target = CACHE / files.read("DIGEST").decode()
        if not target.is_dir():
            try:
                CACHE.mkdir(parents=True, exist_ok=True)
                fresh = Path(tempfile.mkdtemp(dir=CACHE))
                files.extractall(fresh)
                fresh.chmod(0o755)  # mkdtemp makes it for this user alone
                fresh.rename(target)
            except OSError:
                return target if target.is_dir() else archive
    return target


program = Path(sys.argv[0]).absolute()
sys.path[0] = str(unpacked(Path(os.path.realpath(program))))

from lab.toolchain.programs import run  # noqa: E402  it is on the path only now

sys.exit(run(program, sys.argv[1:]))
