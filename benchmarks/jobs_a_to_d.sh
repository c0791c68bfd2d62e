#!/usr/bin/env bash
# JobA to JobD of the AWS Batch guide ("Example Array Job Workflow"), submitted with the aws CLI by
# their job ids, with AWS Batch's own dependencies, on two slots: WIDTH=10000 is the guide's width.
set -euo pipefail
export AWS_PAGER="" WIDTH=${WIDTH:-10000} PATH="$(dirname "$0")/../.venv/bin:$PATH"
log=$(mktemp)
batchrelay local up --only batch > "$log" &
trap 'kill %1; wait || true; rm -f "$log"' EXIT
until grep -q Ctrl-C "$log"; do sleep 0.1; done
source "$log"

aws batch create-compute-environment --compute-environment-name two-slots --type MANAGED \
  --compute-resources type=EC2,maxvCpus=2,subnets=none > /dev/null
aws batch create-job-queue --job-queue-name ProdQueue --priority 1 \
  --compute-environment-order order=1,computeEnvironment=two-slots > /dev/null
for name in JobA-list-and-validate JobB-CPU-Intensive-Processing JobC-Memory-Intensive-Processing JobD-Sequential-Validation; do
  aws batch register-job-definition --job-definition-name $name --type container \
    --container-properties '{"image": "none", "command": ["true"], "vcpus": 1, "memory": 64}' > /dev/null
done
submit() { aws batch submit-job --job-queue ProdQueue --query jobId --output text "$@"; }

began=$(date +%s.%N)
a=$(submit --job-name JobA --job-definition JobA-list-and-validate:1)
b=$(submit --job-name JobB --job-definition JobB-CPU-Intensive-Processing:1 \
  --array-properties size="$WIDTH" --depends-on jobId="$a")
c=$(submit --job-name JobC --job-definition JobC-Memory-Intensive-Processing:1 \
  --array-properties size="$WIDTH" --depends-on jobId="$b",type=N_TO_N)
d=$(submit --job-name JobD --job-definition JobD-Sequential-Validation:1 \
  --array-properties size=10 --depends-on jobId="$c" type=SEQUENTIAL)
until aws batch describe-jobs --jobs "$d" --query 'jobs[0].status' --output text | grep -Eq 'SUCCEEDED|FAILED'; do
  sleep 0.5
done
seconds=$(echo "$(date +%s.%N) - $began" | bc)
aws batch describe-jobs --jobs "$a" "$b" "$c" "$d" --output text \
  --query 'jobs[].[jobName, status, arrayProperties.statusSummary.SUCCEEDED]'
printf '%s children in %.1f s\n' "$((2 * WIDTH + 11))" "$seconds"
