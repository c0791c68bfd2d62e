"""Faults found under pressure, each shown by a program of its own."""
