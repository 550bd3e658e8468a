"""`python -m cli` is `3kctl`."""

from cli.main import main

main()
