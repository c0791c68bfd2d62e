#!/usr/bin/env bash
# 500 uploads in a burst are one run, once no upload has come for five seconds.
source "$(dirname "$0")/cloud.sh"
show batchrelay deploy burst.yaml
mkdir "$work/files"
for number in {001..500}; do echo "$number" > "$work/files/$number.csv"; done
show aws s3 cp --quiet --recursive "$work/files" s3://inbox/burst/
ended on-burst 1
run=$(batchrelay runs on-burst --output json | grep -o 'k[0-9a-f]\{24\}')
batchrelay status "$run"
show batchrelay logs "$run/report"
