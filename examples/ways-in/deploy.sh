#!/usr/bin/env bash
# What deploy would change, what it changes, nothing the second time, and undeploy.
source "$(dirname "$0")/cloud.sh"
cp nightly.yaml "$work" && cd "$work"
show batchrelay deploy nightly.yaml --plan
show batchrelay deploy nightly.yaml
show batchrelay deploy nightly.yaml
show sed -i 's/overlap: queue/overlap: skip/' nightly.yaml
show batchrelay deploy nightly.yaml
show batchrelay undeploy nightly
