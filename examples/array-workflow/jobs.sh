# The five jobs of the guide, as small as possible: each does what its first argument names.
set -eu
index="${AWS_BATCH_JOB_ARRAY_INDEX:-0}" # absent in a plain job, which an array of one is
case "$1" in
list) echo "BucketA: listed and validated" ;;
process | refine) test "$index" -ge 0 ;;
validate) echo "validation $index of 10" ;;
clean-up)
    printf '{"processed": %s, "validations": 10}\n' "$2" | batchrelay-worker put - "$3"
    echo "cleaned up; summary at $3"
    ;;
esac
