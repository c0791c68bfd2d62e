#!/usr/bin/env bash
# An upload starts a run, whatever its name.
source "$(dirname "$0")/cloud.sh"
show batchrelay deploy upload.yaml
date > "$work/data"
show aws s3 cp --quiet "$work/data" "s3://inbox/incoming/a b+c%20é.csv"
show aws s3 cp --quiet "$work/data" s3://inbox/incoming/no.txt # another suffix: no run
ended on-upload 1
run=$(batchrelay runs on-upload --output json | grep -o 'k[0-9a-f]\{24\}')
show batchrelay logs "$run/look"
