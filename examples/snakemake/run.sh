#!/usr/bin/env bash
# snakemake with its aws-batch plugin, unmodified, on the local AWS Batch: three jobs, and one that sums.
cd "$(dirname "$0")"
source ../../verification/clients/cloud.sh
mkdir "$work/workflow"
cp Snakefile cloud.py "$work/workflow"
# pip, because each job installs the storage plugin, as it does in snakemake's image
install_python snakemake==9.27.1 snakemake-executor-plugin-aws-batch==0.2.1 \
  snakemake-storage-plugin-s3==0.3.6 pip
start_cloud

cd "$work/workflow"
python cloud.py make
time run snakemake --executor aws-batch --jobs 3 --seconds-between-status-checks 1 \
  --aws-batch-region us-east-1 --aws-batch-job-queue q \
  --aws-batch-job-role arn:aws:iam::000000000000:role/none \
  --default-storage-provider s3 --default-storage-prefix s3://snakemake-files
python cloud.py show
