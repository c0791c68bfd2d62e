#!/usr/bin/env bash
# redun, unmodified, on the local AWS Batch: 50 tasks as one array job, and one that sums.
# MIN_ARRAY_SIZE=0 makes each task a job of its own.
cd "$(dirname "$0")"
source ../../verification/clients/cloud.sh
export MIN_ARRAY_SIZE="${MIN_ARRAY_SIZE:-5}"
cp -R workflow.py .redun "$work"
install_python redun==0.44.1 awscli==1.46.3
start_cloud

aws batch create-compute-environment --compute-environment-name e --type MANAGED \
  --compute-resources type=EC2,maxvCpus=2,subnets=none > /dev/null
aws batch create-job-queue --job-queue-name q --priority 1 \
  --compute-environment-order order=1,computeEnvironment=e > /dev/null
aws s3 mb s3://redun-scratch

cd "$work"
time run redun run workflow.py main --n "${1:-50}"
aws batch list-jobs --job-queue q --job-status SUCCEEDED --query 'jobSummaryList[].[jobName, arrayProperties.size]' --output text
