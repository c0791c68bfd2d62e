"""Where events go: standard output, a webhook, an EventBridge, a function of the program."""
