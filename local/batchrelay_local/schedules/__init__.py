"""EventBridge Scheduler: its expressions, its times, and what is due. Imports nothing of ours."""
