#!/usr/bin/env bash
# `deploy --plan`, `deploy`, a second one that changes nothing, a changed file, and `undeploy`.
source "$(dirname "$0")/cloud.sh"
cp nightly.yaml "$work" && cd "$work"
show batchrelay deploy nightly.yaml --plan
show batchrelay deploy nightly.yaml
show batchrelay deploy nightly.yaml
show sed -i 's/overlap: queue/overlap: skip/' nightly.yaml
show batchrelay deploy nightly.yaml
show batchrelay undeploy nightly
