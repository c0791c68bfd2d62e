#!/usr/bin/env bash
# Three uploads, while each run takes five seconds, under every overlap policy.
source "$(dirname "$0")/cloud.sh"
for policy in parallel skip queue cancelRunning; do
  sed "s/POLICY/$policy/g" overlap.yaml > "$work/$policy.yaml"
  batchrelay deploy "$work/$policy.yaml" > "$work/log"
  for number in 1 2 3; do
    echo $number | aws s3 cp --quiet - "s3://inbox/$policy/$number"
  done
done
for expected in "parallel 3" "skip 1" "queue 3" "cancelRunning 3"; do
  echo "# $expected"
  ended "with-${expected% *}" "${expected#* }"
done
