#!/usr/bin/env bash
# A signed request starts a run; with the same Idempotency-Key, the answer is the same run.
source "$(dirname "$0")/cloud.sh"
batchrelay deploy upload.yaml
api=$(output ApiUrl)
signed() { # the command as it can be typed, then the status and the main fields of the answer
  show curl -s --aws-sigv4 aws:amz:us-east-1:execute-api --user local:local -w '%{http_code}\n' -o "$work/answer" "$@"
  python3 -c 'import json, sys
answer = json.load(sys.stdin)
print({name: answer[name] for name in ("runId", "status", "title", "detail") if name in answer})' < "$work/answer"
}
runs=$api/pipelines/on-upload/runs
params='{"params": {"source": "s3://inbox/incoming/a.csv"}}'
signed "$runs" -d "$params"
signed "$runs" -d "$params"
signed "$runs" -d "$params" -H 'Idempotency-Key: night-1'
signed "$runs" -d "$params" -H 'Idempotency-Key: night-1'
signed "$runs" -d '{"params": {"sauce": "s3://inbox/a"}}'
signed "$api/pipelines/unknown/runs" -d "$params"
show curl -s -w '\n%{http_code}\n' "$runs" -d "$params" # not signed
ended on-upload 3
