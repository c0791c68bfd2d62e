# The five jobs of the guide, as small as they can be: what they do is to be what they are told.
set -eu
index="${AWS_BATCH_JOB_ARRAY_INDEX:-none}"
case "$1" in
list) echo "BucketA: listed and validated" ;;
process | refine) test "$index" != none ;;
validate) echo "validation $index of 10" ;;
clean-up)
    printf '{"processed": %s, "validations": 10}\n' "$2" | batchrelay-worker put - "$3"
    echo "cleaned up; summary at $3"
    ;;
esac
