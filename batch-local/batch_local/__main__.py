"""`python -m batch_local` is `batch-local`."""

from __future__ import annotations

from batch_local.command_line import main

if __name__ == "__main__":
    main(prog_name="batch-local")
