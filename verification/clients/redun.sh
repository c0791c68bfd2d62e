#!/usr/bin/env bash
# redun's executor of AWS Batch: the example, with an array of 20.
source "$(dirname "$0")/cloud.sh"
run "$root/examples/redun/run.sh" 20 > "$work/output" 2> "$work/trouble" || {
  cat "$work/trouble" >&2
  fail "the example ended with an error"
}
sizes=$(cut -f 2 "$work/output" | tail -n 2 | sort)
expect "the sizes of the jobs that SUCCEEDED" "$sizes" $'20\nNone'
grep -qx 2470 "$work/output" || fail "the sum of the squares is not 2470: $(< "$work/output")"
echo "redun $(sed -nE 's/.*redun==([0-9.]+).*/\1/p' "$root/examples/redun/run.sh")"
