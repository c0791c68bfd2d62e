#!/usr/bin/env bash
# boto3's waiters: boto3_waiters.py. botocore has none of AWS Batch: models/ has them, where
# AWS_DATA_PATH lets botocore look beside its own.
source "$(dirname "$0")/cloud.sh"
install_python boto3==1.44.8
start_cloud

export AWS_DATA_PATH="$here/models"
run python "$here/boto3_waiters.py"
