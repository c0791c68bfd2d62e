# The words of one file: count.sh FILE RESULT, both S3 URIs.
set -eu
text=$(batchrelay-worker get "$1")
printf %s "$text" | wc -w | batchrelay-worker put - "$2"
echo "$1 counted"
