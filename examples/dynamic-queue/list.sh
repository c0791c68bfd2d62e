# 32 items: four long ones, which a fixed share has all in one child, and short ones.
{
    for seconds in 0.8 0.7 0.6 0.5; do printf '{"seconds": "%s"}\n' "$seconds"; done
    for _ in 1 2 3 4 5 6 7; do printf '{"seconds": "0.05"}\n%.0s' 1 2 3 4; done
} | batchrelay-worker put - "$1"
