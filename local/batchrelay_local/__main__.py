"""`python -m batchrelay_local`: the cloud's process. It is started by `launch`, not by hand."""

from __future__ import annotations

from batchrelay_local.cloud import main

main()
