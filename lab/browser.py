"""The browser that tests look at pages with: Debian's Chromium, and a font with Chinese characters."""

from __future__ import annotations

from pathlib import Path

from lab import rootfs

CHROMIUM = Path("/usr/bin/chromium")
PACKAGES = {
    CHROMIUM: "chromium",
    Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"): "fonts-wqy-microhei",
}


def missing() -> list[str]:
    """Debian packages that this machine lacks."""
    return [package for path, package in PACKAGES.items() if not path.exists()]


def ensure(progress: rootfs.Progress = print) -> None:
    """Install what is missing; `python -m lab setup --browser` calls it. Raises LabError as `rootfs.install` does."""
    rootfs.install(missing(), "the tests of pages need", progress)
