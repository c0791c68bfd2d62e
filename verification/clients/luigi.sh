#!/usr/bin/env bash
# luigi's BatchTask: luigi_tasks.py.
source "$(dirname "$0")/cloud.sh"
install_python luigi==3.8.1 boto3==1.44.8
start_cloud

run python "$here/luigi_tasks.py"
