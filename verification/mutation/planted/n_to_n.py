"""The bugs in steps that continue another one child by child."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="an N_TO_N part is submitted before its upstream has a job",
        file="domain/n_to_n.py",
        old="if part.job_id is None and not _succeeded(part):",
        new="if False:",
    ),
    Mutant(
        bug="a part of a sequence does not wait for the one before",
        file="domain/n_to_n.py",
        old="return not step.sequential or all(map(_succeeded, run.state(step.name).parts[:number]))",
        new="return True",
    ),
    Mutant(
        bug="an item is left out before what continues it has made its output",
        file="domain/n_to_n_chains.py",
        old="        for step in continuations(steps, head):\n            if step.output",
        new="        for step in ():\n            if step.output",
    ),
    Mutant(
        bug="outputs that were there are lost to a step that continues them",
        file="domain/readiness.py",
        old="return replace(state, existing=lead.existing, manifest=lead.manifest)",
        new="return replace(state, manifest=lead.manifest)",
    ),
    Mutant(
        bug="a chain that may lose results is prepared all the same",
        file="preparation/prepare.py",
        old='        raise InvalidItems(f"step {name}: {problem}")',
        new="        pass",
    ),
)
