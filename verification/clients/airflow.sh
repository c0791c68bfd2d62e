#!/usr/bin/env bash
# Airflow's operators and sensors of AWS Batch, without a scheduler or a database: airflow_operators.py.
source "$(dirname "$0")/cloud.sh"
install_python apache-airflow==3.3.2 apache-airflow-providers-amazon==9.39.0
start_cloud

export AIRFLOW_HOME="$work/airflow" AIRFLOW__CORE__LOAD_EXAMPLES=False
run python "$here/airflow_operators.py"
