"""What `batchrelay adopt` carries, and what it must not."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

_FOLDER = "cli/batchrelay_cli/adopt"
_TESTS = "tests/unit/cli/adopt"

MUTANTS = (
    Mutant(
        bug="adopt lets a ${ of the input be a variable of the pipeline",
        file=f"{_FOLDER}/draft.py",
        old='return text.replace("${", "$${")',
        new="return text",
        tests=(f"{_TESTS}/test_submit_job.py",),
    ),
    Mutant(
        bug="adopt writes a text that reads as a number without quotes",
        file=f"{_FOLDER}/text.py",
        old="style = '\"' if _LIKE_A_NUMBER.fullmatch(text) else None",
        new="style = None",
        tests=(f"{_TESTS}/test_text.py",),
    ),
    Mutant(
        bug="a name in the input breaks out of its comment in an adopted file",
        file=f"{_FOLDER}/text.py",
        old='return f"# {excerpt(text)}\\n"',
        new='return f"# {text}\\n"',
        tests=(f"{_TESTS}/test_text.py",),
    ),
    Mutant(
        bug="adopt takes wrong entries out of a list from its front, so that right ones go",
        file=f"{_FOLDER}/accepted.py",
        old="sorted(cuts.items(), key=_order, reverse=True)",
        new="sorted(cuts.items(), key=_order)",
        tests=(f"{_TESTS}/test_submit_job.py",),
    ),
    Mutant(
        bug="an adopted step whose command was refused runs another one",
        file=f"{_FOLDER}/accepted.py",
        old='_value(step.entry, path[:-1])["command"] = list(STOPPED)',
        new='del _value(step.entry, path[:-1])["command"]',
        tests=(f"{_TESTS}/test_submit_job.py",),
    ),
    Mutant(
        bug="adopt carries the variables that AWS Batch and we gave to a job",
        file=f"{_FOLDER}/described_jobs.py",
        old="return name in _BY_AWS or name.startswith(_OWNED)",
        new="return False",
        tests=(f"{_TESTS}/test_described_jobs.py",),
    ),
    Mutant(
        bug="adopt asks AWS Batch again and again for jobs in a circle",
        file=f"{_FOLDER}/queue_jobs.py",
        old="if other and other not in asked:",
        new="if other:",
        tests=(f"{_TESTS}/test_described_jobs.py",),
    ),
    Mutant(
        bug="adopt lets a step wait for both sides of a Choice, which never both run",
        file=f"{_FOLDER}/step_functions/state_machine.py",
        old="one = replace(way, conditions=(*way.conditions, condition))",
        new="one = way",
        tests=(f"{_TESTS}/step_functions",),
    ),
    Mutant(
        bug="the Default of a Choice runs beside its rules when it is adopted",
        file=f"{_FOLDER}/step_functions/state_machine.py",
        old='" and ".join(f"not ({text})" for text in texts) or "true"',
        new='"true"',
        tests=(f"{_TESTS}/step_functions",),
    ),
    Mutant(
        bug="adopt takes the result of a state for the input of the execution",
        file=f"{_FOLDER}/step_functions/flow_of_data.py",
        old='path = state.get("ResultPath", "$")',
        new='path = state.get("ResultPath")',
        tests=(f"{_TESTS}/step_functions",),
    ),
    Mutant(
        bug="adopt leaves a value of the input in the code of a shell within double quotes only",
        file=f"{_FOLDER}/step_functions/tasks.py",
        old='code += f"${len(values)}" if quote else f\'"${len(values)}"\'',
        new='code += f"${len(values)}"',
        tests=(f"{_TESTS}/step_functions",),
    ),
    Mutant(
        bug="jobs of a Map that follow each other wait for all items when they are adopted",
        file=f"{_FOLDER}/step_functions/state_machine.py",
        old='kind = {"type": "N_TO_N"} if way.is_continued else {}',
        new="kind: dict[str, str] = {}",
        tests=(f"{_TESTS}/step_functions",),
    ),
    Mutant(
        bug="adopt loses the dependencies that a variable of the shell holds",
        file=f"{_FOLDER}/awsbsub.py",
        old="self.names[call.variable] = step.name",
        new="pass",
        tests=(f"{_TESTS}/test_awsbsub.py",),
    ),
    Mutant(
        bug="nodes whose command was refused run the one of their definition",
        file=f"{_FOLDER}/accepted.py",
        old="    if path[-2:] == _COMMAND and",
        new="    if path == _COMMAND and",
        tests=(f"{_TESTS}/test_awsbsub.py",),
    ),
    Mutant(
        bug="adopt writes over a file of the user's",
        file="cli/batchrelay_cli/verbs/adopt.py",
        old="if out is not None and (out.exists() or out.is_symlink()):",
        new="if False:",
        tests=(f"{_TESTS}/test_verb.py",),
    ),
)
