"""The bugs in the tags of jobs; each is judged by the tests of tags."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

TESTS = (
    "tests/unit/domain/test_job_tags.py",
    "tests/unit/domain/test_values.py",
    "tests/unit/cli/test_lint_limits.py",
)

MUTANTS = (
    Mutant(
        bug="our tags win over those of the file",
        file="domain/job_tags.py",
        old="tags = {**ours, **(own if isinstance(own, Mapping) else {})}",
        new="tags = {**(own if isinstance(own, Mapping) else {}), **ours}",
        tests=TESTS,
    ),
    Mutant(
        bug="propagateTags: false of a step is ignored",
        file="domain/job_tags.py",
        old='return {**propagated, **request, "tags": tags}',
        new='return {**request, **propagated, "tags": tags}',
        tests=TESTS,
    ),
    Mutant(
        bug="tags do not reach the tasks",
        file="domain/job_tags.py",
        old='return {**propagated, **request, "tags": tags}',
        new='return {**request, "tags": tags}',
        tests=TESTS,
    ),
    Mutant(
        bug="the tag of a step is that of its run",
        file="domain/job_tags.py",
        old="STEP_TAG: step}",
        new="STEP_TAG: run_id}",
        tests=TESTS,
    ),
    Mutant(
        bug="jobTags: false is ignored",
        file="domain/requests.py",
        old="    if not run.pipeline.job_tags:\n",
        new="    if False:\n",
        tests=TESTS,
    ),
    Mutant(
        bug="jobTags: false is not stored",
        file="codec/pipelines.py",
        old='"jobTags": None if pipeline.job_tags else False,',
        new='"jobTags": None,',
        tests=TESTS,
    ),
    Mutant(
        bug="a value that a run knows has characters that ECS refuses",
        file="domain/requests.py",
        old="return with_valid_tags(request)",
        new="return request",
        tests=TESTS,
    ),
    Mutant(
        bug="a long value is not cut",
        file="domain/job_tags.py",
        old="for c in text[:TAG_VALUE_CHARS_MAX])",
        new="for c in text)",
        tests=TESTS,
    ),
    Mutant(
        bug="a value may look like one of AWS's own",
        file="domain/job_tags.py",
        old="if valid.lower().startswith(RESERVED_PREFIX) else valid",
        new="if valid.startswith(RESERVED_PREFIX) else valid",
        tests=TESTS,
    ),
    Mutant(
        bug="a tag has only the letters of English",
        file="domain/job_tags.py",
        old='return unicodedata.category(character)[0] in "LZN" or',
        new="return (character.isascii() and character.isalnum()) or",
        tests=TESTS,
    ),
    Mutant(
        bug="lint does not count our tags",
        file="cli/batchrelay_cli/pipeline_file/tag_use.py",
        old="    count = len(own | ours)\n",
        new="    count = len(own)\n",
        tests=TESTS,
    ),
    Mutant(
        bug="lint counts the tags of a definition of jobs that propagate none",
        file="cli/batchrelay_cli/pipeline_file/tag_use.py",
        old="if _propagates(request, definition, ours) and definition and count",
        new="if definition and count",
        tests=TESTS,
    ),
)
