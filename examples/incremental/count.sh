# The words of one file, to the folder of results.
set -eu
bucket=$(printf %s "$BATCHRELAY_MANIFEST" | cut -d/ -f1-3)
batchrelay-worker get "$1" | wc -w | batchrelay-worker put - "$bucket/incremental/$2"
echo "$1 counted"
