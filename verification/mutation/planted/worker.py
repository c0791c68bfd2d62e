"""The bugs in what the worker does with the values of items."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="the worker puts an item's value into the code of a shell",
        file="worker/batchrelay_worker/main.py",
        old="    if not os.environ.get(UNSAFE_SHELL):",
        new="    if False:",
        tests=("tests/unit/worker/test_code_words.py",),
    ),
    Mutant(
        bug="a shell is known by -c alone, and not by -lc",
        file="worker/batchrelay_worker/code_words.py",
        old='(word[0] == "-" and "c" in word)',
        new='word == "-c"',
        tests=("tests/unit/worker/test_code_words.py",),
    ),
    Mutant(
        bug="of two columns with one variable the last has it",
        file="worker/batchrelay_worker/items.py",
        old="if is_plain and names.count(variable) == 1:",
        new="if is_plain:",
        tests=("tests/unit/worker/test_code_words.py",),
    ),
    Mutant(
        bug="items that run again have the numbers of their places in the round",
        file="worker/batchrelay_worker/items.py",
        old="    if not child.numbers:\n",
        new="    if True:\n",
        tests=("tests/unit/worker/test_items.py",),
    ),
    Mutant(
        bug="a child of several items that run again has the numbers of another one's",
        file="worker/batchrelay_worker/items.py",
        old="at = _NUMBER_BYTES * row * child.chunk",
        new="at = _NUMBER_BYTES * row",
        tests=("tests/unit/worker/test_items.py",),
    ),
    Mutant(
        bug="the worker does not know that code is allowed",
        file="domain/requests.py",
        old="    if step.unsafe_shell:",
        new="    if False:",
    ),
    Mutant(
        bug="an item's text makes a line of the worker's log",
        file="worker/batchrelay_worker/log.py",
        old='print(f"[batchrelay] {printable(line)}"',
        new='print(f"[batchrelay] {line}"',
        tests=("tests/unit/worker/test_log.py",),
    ),
    Mutant(
        bug="the worker takes ² for an index, and dies of it",
        file="worker/batchrelay_worker/items.py",
        old="_INDEX.fullmatch(name) and int(name)",
        new="name.isdigit() and int(name)",
        tests=("tests/unit/domain/test_item_values.py",),
    ),
)
