#!/usr/bin/env bash
# A backfill of five nights, one run after the other; a second backfill starts no new run.
source "$(dirname "$0")/cloud.sh"
batchrelay deploy nightly.yaml
show batchrelay backfill nightly --from 2026-11-01 --to 2026-11-05 --plan
show batchrelay backfill nightly --from 2026-11-01 --to 2026-11-05
ended nightly 5
show batchrelay backfill nightly --from 2026-11-01 --to 2026-11-05
