"""The bugs in what deploy looks at before it registers anything."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

FOLDER = "cli/batchrelay_cli/stack/preflight"
TESTS = ("tests/unit/cli/preflight",)

MUTANTS = (
    Mutant(
        bug="a compute environment that is DISABLED runs jobs",
        file=f"{FOLDER}/environments.py",
        old='environment.get("state") == "ENABLED" and ',
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="every compute environment of a queue must be usable",
        file=f"{FOLDER}/environments.py",
        old="any(map(is_usable, environments))",
        new="all(map(is_usable, environments))",
        tests=TESTS,
    ),
    Mutant(
        bug="a definition that names no platform fits every queue",
        file=f"{FOLDER}/platforms.py",
        old='set(definition.get("platformCapabilities") or ("EC2",))',
        new='set(definition.get("platformCapabilities") or ("EC2", "FARGATE"))',
        tests=TESTS,
    ),
    Mutant(
        bug="a size is that of the definition, whatever the request says",
        file=f"{FOLDER}/sizes.py",
        old="    if not amounts:\n",
        new="    if True:\n",
        tests=TESTS,
    ),
    Mutant(
        bug="an attestation is an architecture of an image",
        file=f"{FOLDER}/images.py",
        old='_NO_MACHINE = (None, "unknown")',
        new="_NO_MACHINE = (None,)",
        tests=TESTS,
    ),
    Mutant(
        bug="a role that trusts anything is good for tasks",
        file=f"{FOLDER}/roles.py",
        old='        and _is_for_tasks(statement.get("Principal"))\n',
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="a log group whose name only begins so is taken for the one",
        file=f"{FOLDER}/log_groups.py",
        old="    if group in names:\n",
        new="    if names:\n",
        tests=TESTS,
    ),
    Mutant(
        bug="what AWS does not let the caller see stops a deployment",
        file=f"{FOLDER}/lookups.py",
        old="        except ClientError as error:\n",
        new="        except ZeroDivisionError as error:\n",
        tests=TESTS,
    ),
    Mutant(
        bug="a right that depends on what IAM was not asked with counts as denied",
        file=f"{FOLDER}/rights.py",
        old=' and not result.get("MissingContextValues")',
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="a job queue of another Region is one of the stack's",
        file=f"{FOLDER}/environments.py",
        old="or parts[3:5] == [region, account]:",
        new="or parts[4] == account:",
        tests=TESTS,
    ),
    Mutant(
        bug="a label of a pod is an image",
        file=f"{FOLDER}/uses.py",
        old="        elif key not in _OWN_NAMES:\n",
        new="        else:\n",
        tests=TESTS,
    ),
    Mutant(
        bug="a quota smaller than one job is no problem",
        file=f"{FOLDER}/checks.py",
        old="and vcpus > max(v for _, v in values):",
        new="and vcpus > 16:",
        tests=TESTS,
    ),
    Mutant(
        bug="containers of a definition elsewhere need not be named",
        file=f"{FOLDER}/forms.py",
        old="if not problems and form != ONE_CONTAINER and form not in use.request:",
        new="if False:",
        tests=TESTS,
    ),
)
