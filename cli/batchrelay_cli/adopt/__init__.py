"""`adopt`: what a person has on AWS Batch today, as a pipeline file.

    source.py     a file, its form, and the line of each value
    FORM.py       one form of input each: it makes a Draft
    draft.py      the steps of a pipeline file that is being made, and what was not carried
    accepted.py   takes out of a Draft what lint refuses, so that the file lints
    text.py       writes the file, by the YAML library

A form reads what it knows and leaves judging to lint: what lint takes tomorrow is carried tomorrow.
"""
