"""A Step Functions definition: what is known of its values before it runs, and its jobs as steps.

    values.py         what is known of a value: the input's, an item's, made by a state
    paths.py          JSONPath, payload templates, intrinsic functions
    jsonata.py        the part of JSONata that names values, joins texts and compares
    choices.py        rules of a Choice as conditions
    items.py          the items of a Map as `forEach`
    flow_of_data.py   what a state is given, and what it hands on
    rendering.py      values as texts of a pipeline file
    retries.py        Retry, timeouts, what a Map tolerates
    tasks.py          a Task as a SubmitJob request
    ways.py           one way through the states
    state_machine.py  the ways through the states

Source: the Amazon States Language specification; Step Functions Developer Guide, connect-batch.
"""
