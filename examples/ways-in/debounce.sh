#!/usr/bin/env bash
# 500 uploads in a row are one run, once no upload has come for five seconds.
source "$(dirname "$0")/cloud.sh"
show batchrelay deploy debounce.yaml
mkdir "$work/files"
for number in {001..500}; do echo "$number" > "$work/files/$number.csv"; done
show aws s3 cp --quiet --recursive "$work/files" s3://inbox/debounce/
ended on-debounce 1
run=$(batchrelay runs on-debounce --output json | grep -o 'k[0-9a-f]\{24\}')
batchrelay status "$run"
show batchrelay logs "$run/report"
