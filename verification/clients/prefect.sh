#!/usr/bin/env bash
# Prefect's tasks of AWS Batch, in a flow without a server of its own: prefect_flow.py.
source "$(dirname "$0")/cloud.sh"
install_python prefect==3.9.1 prefect-aws==0.7.12 boto3==1.43.117
start_cloud

export PREFECT_HOME="$work/prefect" PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1
export PREFECT_LOGGING_TO_API_ENABLED=false PREFECT_LOGGING_LEVEL=WARNING
export PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS=120 # 20 are too few on a busy machine
run python "$here/prefect_flow.py"
