"""Mutations by a tool (`make verify-mutation`) and planted bugs (`make verify-planted`)."""
