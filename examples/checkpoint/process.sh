# In the first attempt the fifth item ends the child: SIGTERM for the worker, as at a Spot interruption.
if [ "$1" = e ] && [ "$AWS_BATCH_JOB_ATTEMPT" = 1 ]; then
    kill -TERM "$PPID"
    sleep 10
fi
echo "$1 in attempt $AWS_BATCH_JOB_ATTEMPT"
