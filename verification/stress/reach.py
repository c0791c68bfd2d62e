"""What a caller of the API may reach: `python -m verification.stress.reach`.

A word is planted in objects of a bucket that is not the stack's, and looked for in the reasons of
the steps that read them; a file in which a caller chooses everything is linted; the default
policies are asked for what is not the stack's own; and a run is left open for RunTtlDays.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from batchrelay.domain.pipeline import ListFile, Param, Step
from batchrelay.domain.run import StartRequest
from batchrelay_cli.main import cli
from tests.builders import MemoryCloud, pipeline, step
from tests.stack import template

WORD = "cnry7"
LISTS = {
    "s3://payroll/a.csv": f"{WORD},{WORD}\n",
    "s3://payroll/b.csv": f"a,{WORD}\n1\n",
    "s3://payroll/c.jsonl": f'{{"name": "{WORD}"}}\n',
    "s3://payroll/d.json": f'[{{"{WORD}": 1, "{WORD}": 2}}]',
    "s3://payroll/e.csv": f"{WORD};b\n",
}
FILE = """\
pipeline: reach
params: {queue: q, definition: d, list: "s3://b/l", topic: "arn:aws:sns:us-east-1:1:t"}
steps:
  - jobName: a
    jobQueue: "${params.queue}"
    jobDefinition: "${params.definition}"
    flow: {forEach: {file: "${params.list}"}}
notify: [{topicArn: "${params.topic}"}]
"""
ACCOUNT = "us-east-1:111122223333"
NOT_OURS = (
    ("s3:GetObject", "arn:aws:s3:::payroll/list.csv"),
    ("sns:Publish", f"arn:aws:sns:{ACCOUNT}:all-staff"),
    ("batch:SubmitJob", f"arn:aws:batch:{ACCOUNT}:job-definition/admin"),
    ("sqs:DeleteQueue", f"arn:aws:sqs:{ACCOUNT}:br-prod-PrepareQueue-1A2B3C4D5E6F"),
)
"""What no function may do by default; the last is a queue of a stack called br-prod."""


def quoted() -> Iterator[str]:
    """Reasons that hold the word."""
    for uri, content in LISTS.items():
        request = {"jobQueue": "queue", "jobDefinition": "noop:1"}
        each = ListFile(file="${params.list}")
        fan = Step(name="fan", request=request, for_each=each, output="s3://b/${item.id}")
        cloud = MemoryCloud(pipeline(fan, params=(Param(name="list", default=""),)))
        cloud.objects.objects[uri] = content.encode()
        order = StartRequest(run_id="run1", pipeline="test", version=1, params={"list": uri})
        cloud.engine.start(order)
        reason = cloud.engine.prepare("run1", "fan", 0).run.state("fan").reason
        if WORD in reason:
            yield reason


def unwarned() -> list[str]:
    """Fields that a caller chooses, and of which lint says nothing."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.yaml"
        file.write_text(FILE)
        output = CliRunner().invoke(cli, ["lint", str(file)]).output
    lines = {5: "jobQueue", 6: "jobDefinition", 7: "forEach.file", 8: "topicArn"}
    return [name for line, name in lines.items() if f".yaml:{line}:" not in output]


def allowed() -> Iterator[str]:
    """What the default policies allow beyond the stack's own."""
    for action, arn in NOT_OURS:
        for function, statement in statements():
            actions = statement["Action"]
            patterns = texts(statement["Resource"])
            is_of_it = action in (actions if isinstance(actions, list) else [actions])
            is_open = "Condition" not in statement and any(matches(p, arn) for p in patterns)
            if is_of_it and is_open:
                yield f"{function} may {action} {arn}"


def statements() -> Iterator[tuple[str, Any]]:
    """Those that hold without a parameter."""
    for name, entry in template()["Resources"].items():
        for policy in entry["Properties"].get("Policies", ()):
            for statement in policy.get("Statement", ()):
                if "Fn::If" not in statement:
                    yield name, statement


def texts(value: Any) -> Iterator[str]:
    """The ARNs of a Resource, parameters as they are by default, the stack's names as `-`."""
    defaults = {key: p["Default"] for key, p in template()["Parameters"].items()}
    match value:
        case str():
            fixed = {"AWS::Partition": "aws", "AWS::Region": "*", "AWS::AccountId": "*"}
            known = {**defaults, **fixed}
            yield re.sub(r"\$\{([^}]+)\}", lambda m: str(known.get(m[1], "-")), value)
        case list():
            for inner in value:
                yield from texts(inner)
        case {"Ref": name}:
            yield str(defaults.get(name, "-"))
        case {"Fn::Sub": str(text)}:
            yield from texts(text)
        case {"Fn::If": [_, _, otherwise]}:
            yield from texts(otherwise)


def matches(pattern: str, arn: str) -> bool:
    """As IAM does."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), arn) is not None


def open_too_long() -> list[str]:
    """A run whose job never begins, once its lists are gone."""
    days = template()["Parameters"]["RunTtlDays"]["Default"]
    cloud = MemoryCloud(pipeline(step("a", size=10)))
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    cloud.clock.move(days * 86_400)
    status = cloud.engine.reconcile("run1").run.status
    return [f"{status} after {days} days"] if status == "RUNNING" else []


def main() -> int:
    """Print what was found; 1 if there is anything."""
    found = {
        f"of {len(LISTS)} lists of another bucket, quoted in a reason": list(quoted()),
        "of 4 fields that a caller chooses, lint says nothing of": unwarned(),
        "allowed by default, beyond the stack's own": list(allowed()),
        "open when its lists have expired": open_too_long(),
    }
    for what, places in found.items():
        print(f"{what}: {len(places)}")
        for place in places:
            print(f"  {place}")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
