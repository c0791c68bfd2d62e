#!/usr/bin/env bash
# The AWS SDK for JavaScript, version 3: js-sdk.mjs.
source "$(dirname "$0")/cloud.sh"
install_node @aws-sdk/client-batch@3.1138.0 @aws-sdk/client-cloudwatch-logs@3.1169.0 \
  @aws-sdk/client-dynamodb@3.1169.0 @aws-sdk/client-s3@3.1175.0 @aws-sdk/client-sqs@3.1175.0 \
  @aws-sdk/s3-request-presigner@3.1169.0
start_cloud

cp "$here/js-sdk.mjs" "$here/job.json" "$work" # modules are looked up beside the program
run node "$work/js-sdk.mjs"
echo "JS SDK $(node -p "require('$work/node_modules/@aws-sdk/client-batch/package.json').version")"
