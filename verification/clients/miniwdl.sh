#!/usr/bin/env bash
# miniwdl-aws: miniwdl_runs.py runs squares.wdl. A folder stands in for the shared file system: a
# job has it under the same path as the workflow.
source "$(dirname "$0")/cloud.sh"
install_python miniwdl==1.16.0 miniwdl-aws==0.12.2 boto3==1.44.8
start_cloud --services elasticfilesystem

mkdir "$work/shared"
export MINIWDL__FILE_IO__ROOT="$work/shared" MINIWDL__AWS__TASK_QUEUE=q MINIWDL__AWS__RETRY_WAIT=0
export MINIWDL__AWS__SUBMIT_PERIOD=0.1 MINIWDL__AWS__DESCRIBE_PERIOD=0.3
run python "$here/miniwdl_runs.py"
