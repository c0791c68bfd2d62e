"""A run on virtual time: the engine of the handlers, the scheduler of the local AWS Batch, and
neither processes nor a network.

`distributions` and `scenario` are what a user assumes; `made_items` writes the lists that only a
run would know; `batch` is AWS Batch, `engine` what its events call, `play` the loop of both;
`outcome` is what came of it.
"""
