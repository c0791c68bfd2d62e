#!/usr/bin/env bash
# Foreign clients, unmodified, each on a local AWS Batch of its own, one after the other:
# run.sh [CLIENT]. One line a client: its verdict, the seconds with its installation, its version.
set -uo pipefail
cd "$(dirname "$0")"
clients=(aws-cli boto3 js-sdk luigi airflow redun snakemake metaflow prefect dagster miniwdl)
if [[ ${1:-} ]]; then
  [[ " ${clients[*]} " == *" $1 "* ]] || { echo "no client ${1@Q}; known: ${clients[*]}" >&2; exit 2; }
  clients=("$1")
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'kill "$running" 2> /dev/null; wait "$running"; exit 130' INT TERM HUP

failed=0
for client in "${clients[@]}"; do
  began=$SECONDS
  "./$client.sh" > "$log" 2>&1 &
  running=$!
  if wait "$running"; then
    printf 'ok     %3s s  %s\n' $((SECONDS - began)) "$(tail -n 1 "$log")"
  else
    printf 'failed %3s s  %s\n' $((SECONDS - began)) "$client"
    tail -n 20 "$log" | sed 's/^/  /'
    failed=1
  fi
done
exit $failed
