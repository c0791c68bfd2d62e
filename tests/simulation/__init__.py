"""Random graphs through the real engine, on the memory adapters, in a world that breaks.

Everything hangs on one seed: `python -m tests.simulation --seed N --runs 1` plays a failure again.
"""
