"""The documents as a site in var/site that asks no other server for anything: `python -m scripts.site [DIRECTORY]`.

DIRECTORY holds docs/ and mkdocs.yml. Diagrams are drawn in the browser by mermaid, which the theme would fetch from
elsewhere; it takes the one that a page brings, so pages with diagrams get it from the site itself.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

# mermaid 11.16.0: dist/mermaid.min.js of the npm package, which mermaidx carries unchanged.
SHA256 = "74d7c46dabca328c2294733910a8aa1ed0c37451776e8d5295da38a2b758fb9b"
SCRIPT = Path("assets/javascripts/mermaid.min.js")
DIAGRAM = 'class="mermaid"'
_THEME = re.compile(r'<script src="[^"]*assets/javascripts/bundle\.[^"]*"')


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    program = Path(sys.executable).parent / "zensical"
    done = subprocess.run([program, "build", "--clean", "--strict"], cwd=root, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    bring_mermaid(root / "var" / "site")


def bring_mermaid(site: Path) -> None:
    """Copy it into `site`, and have the pages with diagrams load it before the theme's own script."""
    package = find_spec("mermaidx")
    if package is None or package.origin is None:
        sys.exit("mermaidx is not installed: make setup")
    source = Path(package.origin).parent / "assets" / "mermaid.js"
    if hashlib.sha256(source.read_bytes()).hexdigest() != SHA256:
        sys.exit(f"{source} is not the mermaid that scripts/site.py names: compare it with npm's, then change SHA256")
    shutil.copyfile(source, site / SCRIPT)
    for page in site.rglob("*.html"):
        text = page.read_text()
        if DIAGRAM not in text:
            continue
        way = os.path.relpath(site / SCRIPT, page.parent)
        brought, count = _THEME.subn(lambda found, way=way: f'<script src="{way}"></script>{found[0]}', text)
        if count != 1:
            sys.exit(f"{page}: the theme's script is not where it was; see scripts/site.py")
        page.write_text(brought)


if __name__ == "__main__":
    main()
