# Ten samples; two of them are large.
{
    echo "name,size"
    for number in 0 1 2 3 4 5 6 7; do echo "sample-$number,$((number * 1000000))"; done
    echo "genome-1,5000000000"
    echo "genome-2,9000000000"
} | batchrelay-worker put - "$1"
