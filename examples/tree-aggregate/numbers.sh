seq 1 "$1" | batchrelay-worker put - "$2"
