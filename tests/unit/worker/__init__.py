"""The worker: signed like AWS's own SDK, exact, resumable."""
