"""The real handlers with the real adapters on the local cloud, killed at every AWS call.

`make verify-crashes` kills a handler with SIGKILL before and after each call that an undisturbed
run was seen to make, once with its message delivered again and once with the message lost, and
compares what became of the run. `make test` does a few of them, drawn by chance.
"""
