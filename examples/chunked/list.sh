# As many names of files, a line each, to S3.
i=0
while [ "$i" -lt "$1" ]; do
    printf 'input/file-%05d.csv\n' "$i"
    i=$((i + 1))
done | batchrelay-worker put - "$2"
