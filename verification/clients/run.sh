#!/usr/bin/env bash
# Foreign clients, unmodified, each on a local AWS Batch of its own, one after the other:
# run.sh [CLIENT]. One line a client: its verdict, the seconds with its installation, its version.
# KEEP=1 writes verdict, version and date into results.tsv, which docs/reference/clients.md shows.
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

keep() { # CLIENT VERDICT VERSION
  [[ ${KEEP:-} ]] || return 0
  printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$(date +%F)" |
    cat <(grep -v "^$1"$'\t' results.tsv 2> /dev/null) - | sort > "$log.kept"
  mv "$log.kept" results.tsv
}

failed=0
for client in "${clients[@]}"; do
  began=$SECONDS
  "./$client.sh" > "$log" 2>&1 &
  running=$!
  if wait "$running"; then
    version=$(tail -n 1 "$log")
    printf 'ok     %3s s  %s\n' $((SECONDS - began)) "$version"
    keep "$client" ok "$version"
  else
    printf 'failed %3s s  %s\n' $((SECONDS - began)) "$client"
    tail -n 20 "$log" | sed 's/^/  /'
    keep "$client" failed ""
    failed=1
  fi
done
exit $failed
