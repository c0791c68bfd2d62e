#!/usr/bin/env bash
# The aws CLI: a job and an array of 20 with retries, counts per status, logs; files of S3.
source "$(dirname "$0")/cloud.sh"
install_python awscli==1.46.3
start_cloud

batch() { aws batch "$@" --output text; }
job() { batch describe-jobs --jobs "$1" --query "jobs[0].$2"; }
ended() { until job "$1" status | grep -Eq 'SUCCEEDED|FAILED'; do sleep 0.3; done; }
log() { # of the last attempt
  aws logs get-log-events --log-group-name /squares --start-from-head --output text \
    --log-stream-name "$(job "$1" container.logStreamName)" --query 'events[].message'
}

batch create-compute-environment --compute-environment-name e --type MANAGED \
  --compute-resources type=EC2,maxvCpus=2,subnets=none > /dev/null
batch create-job-queue --job-queue-name q --priority 1 \
  --compute-environment-order order=1,computeEnvironment=e > /dev/null
logs='{"logDriver": "awslogs", "options": {"awslogs-group": "/squares", "awslogs-stream-prefix": "cli",
  "awslogs-create-group": "true"}}'
container=$(python -c 'import json, sys; job = json.load(open(sys.argv[1]))["containerProperties"]
print(json.dumps(job | {"logConfiguration": json.loads(sys.argv[2])}))' "$here/job.json" "$logs")
batch register-job-definition --cli-input-json "file://$here/job.json" \
  --container-properties "$container" > /dev/null
submit() { batch submit-job --job-queue q --job-definition square --query jobId "$@"; }

plain=$(submit --job-name plain --parameters number=9)
ended "$plain"
expect "the status of the plain job" "$(job "$plain" status)" SUCCEEDED
expect "its log" "$(log "$plain")" $'attempt 1\t9 squared is 81'
stream=$(job "$plain" container.logStreamName)
[[ $stream == cli/default/* ]] || fail "the log stream is $stream, not cli/default/…"

array=$(submit --job-name array --array-properties size=20)
ended "$array"
expect "the status of the array" "$(job "$array" status)" FAILED
expect "its summary" "$(job "$array" 'arrayProperties.statusSummary.[SUCCEEDED, FAILED]')" $'19\t1'
for status in SUCCEEDED FAILED RUNNING; do
  counts+="$status $(batch list-jobs --array-job-id "$array" --job-status $status --query 'length(jobSummaryList)') "
done
expect "the children of each status" "$counts" "SUCCEEDED 19 FAILED 1 RUNNING 0 "
expect "the exit codes of child 3" "$(job "$array:3" 'attempts[].container.exitCode')" $'75\t0'
expect "the exit codes of child 7" "$(job "$array:7" 'attempts[].container.exitCode')" 2
expect "the log of child 3" "$(log "$array:3")" $'attempt 2\t3 squared is 9'

aws s3 mb s3://files > /dev/null
head -c 20000000 /dev/urandom > "$work/sent"
aws s3 cp --no-progress "$work/sent" "s3://files/a folder/ü+1.bin" > /dev/null
etag=$(aws s3api head-object --bucket files --key "a folder/ü+1.bin" --query ETag --output text)
[[ $etag == *-3\" ]] || fail "the ETag $etag is not of three parts"
aws s3 cp --no-progress "s3://files/a folder/ü+1.bin" "$work/received" > /dev/null
cmp "$work/sent" "$work/received" || fail "20 MB came back otherwise"
curl -sSf -o "$work/fetched" "$(aws s3 presign "s3://files/a folder/ü+1.bin")"
cmp "$work/sent" "$work/fetched" || fail "20 MB of a presigned URL came otherwise"

aws --version 2>&1 | sed -E 's|aws-cli/([^ ]+).*|aws CLI \1|'
