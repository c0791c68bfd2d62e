#!/usr/bin/env bash
# snakemake's aws-batch plugin: the example.
source "$(dirname "$0")/cloud.sh"
run "$root/examples/snakemake/run.sh" > "$work/output" 2> "$work/trouble" || {
  cat "$work/trouble" >&2
  fail "the example ended with an error"
}
expect "what became of it" "$(tail -n 1 "$work/output")" "4 jobs SUCCEEDED, the total is 17"
echo "snakemake $(sed -nE 's/.* snakemake==([0-9.]+).*/\1/p' "$root/examples/snakemake/run.sh")"
