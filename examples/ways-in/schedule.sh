#!/usr/bin/env bash
# A rate fires when it is created, and then every minute: one run each time.
source "$(dirname "$0")/cloud.sh"
sed 's/cron(0 2 \* \* ? \*)/rate(1 minute)/' nightly.yaml > "$work/minutely.yaml"
show batchrelay deploy "$work/minutely.yaml"
ended nightly 1
run=$(batchrelay runs nightly --output json | grep -o 'k[0-9a-f]\{24\}' | head -1)
show batchrelay logs "$run/report"
