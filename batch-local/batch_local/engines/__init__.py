"""Containers by an engine, Docker or Podman, in place of processes of this machine."""
