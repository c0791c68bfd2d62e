#!/usr/bin/env bash
# S3 and EventBridge may deliver an event more than once: ten times the same event is one run.
source "$(dirname "$0")/cloud.sh"
batchrelay deploy upload.yaml
event='{"pipeline": "on-upload", "s3": {"bucket": {"name": "inbox"},
  "object": {"key": "incoming/a.csv", "size": 5, "etag": "e1", "sequencer": "00A1"}}}'
for _ in {1..10}; do
  aws sqs send-message --endpoint-url "$AWS_ENDPOINT_URL" --queue-url "$(output TriggerQueueUrl)" \
    --message-body "$event" --query MessageId --output text
done
ended on-upload 1
sleep 5
batchrelay runs on-upload
