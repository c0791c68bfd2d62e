"""Many runs at a time, on virtual time: the engine, and what AWS gives it.

    python -m verification.scale

`limits` is what bounds them, `world` plays, the program prints what was first.
"""
