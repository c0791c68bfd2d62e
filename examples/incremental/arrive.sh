echo "the new one has five words" | batchrelay-worker put - "${1}new.txt"
