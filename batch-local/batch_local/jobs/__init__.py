"""Requests about jobs: SubmitJob with what it depends on, ListJobs, and nodes."""
