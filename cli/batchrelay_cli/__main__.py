"""`python -m batchrelay_cli` is the program `batchrelay`."""

from __future__ import annotations

from batchrelay_cli.main import main

main()
