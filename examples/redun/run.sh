#!/usr/bin/env bash
# redun, unmodified, on the local AWS Batch: 50 tasks as one array job, and one that sums.
# MIN_ARRAY_SIZE=0 makes each task a job of its own.
set -euo pipefail
cd "$(dirname "$0")"
export MIN_ARRAY_SIZE="${MIN_ARRAY_SIZE:-5}" AWS_PAGER=""
work=$(mktemp -d)
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q redun==0.44.1 awscli
export VIRTUAL_ENV="$work/venv" PATH="$work/venv/bin:$PATH" TMPDIR="$work"

../../.venv/bin/batchrelay local up --only batch > "$work/cloud" &
cloud=$!
trap 'kill $cloud; wait $cloud || true; rm -rf "$work" .redun/redun.db __pycache__' EXIT
until grep -q Ctrl-C "$work/cloud"; do kill -0 $cloud; sleep 0.1; done
source "$work/cloud"

aws batch create-compute-environment --compute-environment-name e --type MANAGED \
  --compute-resources type=EC2,maxvCpus=2,subnets=none > /dev/null
aws batch create-job-queue --job-queue-name q --priority 1 \
  --compute-environment-order order=1,computeEnvironment=e > /dev/null
aws s3 mb s3://redun-scratch

time redun run workflow.py main --n "${1:-50}"
aws batch list-jobs --job-queue q --job-status SUCCEEDED --query 'jobSummaryList[].[jobName, arrayProperties.size]' --output text
