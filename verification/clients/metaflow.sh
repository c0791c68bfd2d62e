#!/usr/bin/env bash
# Metaflow's client of AWS Batch: metaflow_runs.py. Its artefacts are in the S3 of the local cloud.
source "$(dirname "$0")/cloud.sh"
install_python metaflow==2.19.39 boto3==1.44.8 requests==2.34.2
start_cloud

export METAFLOW_USER=client METAFLOW_DEFAULT_METADATA=local METAFLOW_DEFAULT_DATASTORE=s3
export METAFLOW_DATASTORE_SYSROOT_S3=s3://metaflow/flows METAFLOW_S3_ENDPOINT_URL="$AWS_ENDPOINT_URL"
export METAFLOW_BATCH_JOB_QUEUE=q METAFLOW_ECS_S3_ACCESS_IAM_ROLE=arn:aws:iam::123456789012:role/jobs
run python "$here/metaflow_runs.py"
