"""Random graphs through the real engine, on the memory adapters, in a world that breaks.

Everything hangs on one seed. This plays a failure again:

    python -m verification.simulation --seed N --runs 1
"""
