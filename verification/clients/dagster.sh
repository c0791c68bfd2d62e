#!/usr/bin/env bash
# Dagster has no part of AWS Batch: dagster_assets.py runs jobs by boto3 in assets, with
# dagster-aws's Pipes around them. dagster_job.py is what such a job runs.
source "$(dirname "$0")/cloud.sh"
install_python dagster==1.13.27 dagster-aws==0.29.27 dagster-pipes==1.13.27 boto3==1.44.8
start_cloud

export DAGSTER_HOME="$work/dagster" DAGSTER_DISABLE_TELEMETRY=1
mkdir "$DAGSTER_HOME"
run python "$here/dagster_assets.py"
