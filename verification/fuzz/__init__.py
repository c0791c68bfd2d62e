"""Whatever comes in: a clear error or a right answer, no unhandled exception, no half-made run.

The long form: FUZZ=20000 .venv/bin/pytest tests/functional/fuzz
"""
