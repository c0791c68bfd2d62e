"""Many runs at a time, on virtual time: the engine, and what AWS gives it.

    python -m verification.scale

`limits`, `store` and `account` are what bounds them, `invocations` lets handlers meet, `world`
plays, `rows` says what was first; the program prints it, or writes it into the page.
"""
