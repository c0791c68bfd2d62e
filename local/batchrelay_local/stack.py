"""Deploys template.yaml, the same one that AWS gets, into the local cloud, over AWS's wire.

What differs is listed here and nowhere else:

1. Functions and layers are zipped from their sources, unless what `sam build` made is asked for.
2. Alarms on a metric expression are left out: MiniStack refuses them, and alarms are not read here.
3. A `Ref` to a parameter of type Number becomes its default, a number, but in a function's
   variables, which are texts: MiniStack hands on a text everywhere.
4. The schedule of reconcile begins one interval later, not at once: there is no run yet.
5. Every parameter has its default, so there is no quick start, whatever samconfig.toml says: here
   `batchrelay deploy` makes the job queues that a pipeline names.

Two things are made once and not at every start: the expanded template, which lies where Python
keeps bytecode, and the bytecode of the functions, which is zipped with them.
"""

from __future__ import annotations

import hashlib
import io
import json
import marshal
import os
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.metadata import version
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path
from typing import Any

import boto3

EXPANDED = Path(cache_from_source(__file__)).with_name("stack-template.json")
"""The template that was expanded last, and of what."""

UNCHECKED_HASH = (1).to_bytes(4, "little")
"""The flag of bytecode that is used whatever the time of its source. Source: PEP 552."""

STACK_NAME = "batchrelay"
CODE_BUCKET = "batchrelay-code"

TEMPLATE_KEY = "template.json"
"""`sam deploy` puts it into S3 too: a request holds no more than 51,200 bytes of a template.
Source: CloudFormation, CreateStack, TemplateBody."""


@dataclass(frozen=True, kw_only=True)
class CodeFolder:
    """The code of functions, or of a layer."""

    path: Path
    prefix: str = ""
    """Where it lies in its zip."""


@dataclass(frozen=True, kw_only=True)
class StackSource:
    """Where the stack lies: the repository, the package's copy, or what `sam build` made."""

    template: Path
    code: Mapping[str, CodeFolder]
    """By the CodeUri or ContentUri of the template."""

    @classmethod
    def find(cls) -> StackSource:
        """Raises: FileNotFoundError."""
        here = Path(__file__).resolve().parent
        package_root, repository = here / "_stack", here.parent.parent
        is_installed = package_root.is_dir()
        root = package_root if is_installed else repository
        core = here.parent / "batchrelay" if is_installed else root / "layers/core/batchrelay"
        code = {
            "functions": CodeFolder(path=root / "functions"),
            "layers/core": CodeFolder(path=core, prefix="python/batchrelay/"),
        }
        return cls(template=root / "template.yaml", code=code).checked()

    @classmethod
    def built(cls, folder: Path) -> StackSource:
        """Of `.aws-sam/build`: a folder for each function and layer. Raises: FileNotFoundError."""
        code = {path.name: CodeFolder(path=path) for path in folder.glob("*/")}
        return cls(template=folder / "template.yaml", code=code).checked()

    def checked(self) -> StackSource:
        """Raises: FileNotFoundError."""
        for path in (self.template, *(folder.path for folder in self.code.values())):
            if not path.exists():
                raise FileNotFoundError(f"a part of the stack is missing: {path}")
        return self


def deploy(source: StackSource) -> dict[str, str]:
    """Create the stack; its outputs.

    Raises:
        RuntimeError: a resource could not be created; the message is CloudFormation's.
    """
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=CODE_BUCKET)
    for uri, folder in source.code.items():
        body = _zipped(folder.path, folder.prefix)
        s3.put_object(Bucket=CODE_BUCKET, Key=_code_key(uri), Body=body)
    template = expanded(source.template.read_text(), EXPANDED)
    url = {"Fn::Sub": f"{s3.meta.endpoint_url}/_aws/execute-api/${{Api}}/v1"}
    template["Outputs"]["ApiUrl"]["Value"] = url
    document = json.dumps(template).encode()
    s3.put_object(Bucket=CODE_BUCKET, Key=TEMPLATE_KEY, Body=document)
    stacks = boto3.client("cloudformation")
    stacks.create_stack(
        StackName=STACK_NAME,
        TemplateURL=f"{s3.meta.endpoint_url}/{CODE_BUCKET}/{TEMPLATE_KEY}",
        Capabilities=["CAPABILITY_IAM"],
    )
    [stack] = stacks.describe_stacks(StackName=STACK_NAME)["Stacks"]
    while stack["StackStatus"] == "CREATE_IN_PROGRESS":
        [stack] = stacks.describe_stacks(StackName=STACK_NAME)["Stacks"]
    if stack["StackStatus"] != "CREATE_COMPLETE":
        events = stacks.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
        reasons = [
            f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}"
            for e in events
            if "FAILED" in e["ResourceStatus"] and e.get("ResourceStatusReason")
        ]
        raise RuntimeError(f"the stack could not be created: {'; '.join(reasons)}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def expanded(text: str, kept_in: Path) -> dict[str, Any]:
    """The template as MiniStack takes it; a second time from where it was kept the first.

    SAM's translator takes as long to import as everything else that starts a cloud.
    """
    made_by = (Path(__file__).read_text(), version("aws-sam-translator"))
    key = hashlib.sha256("\0".join((text, *made_by)).encode()).hexdigest()
    document: dict[str, Any]
    with suppress(OSError, ValueError, LookupError, TypeError):
        kept = json.loads(kept_in.read_text())
        if kept["key"] == key:
            document = kept["document"]
            return document
    from samtranslator.yaml_helper import yaml_parse

    document = transformed(with_code(yaml_parse(text)))
    if not sys.dont_write_bytecode:
        with suppress(OSError):  # as Python does where it may not write
            part = kept_in.with_suffix(f".{os.getpid()}")  # another cloud may start beside this one
            part.write_text(json.dumps({"key": key, "document": document}))
            part.replace(kept_in)
    return document


def transformed(template: dict[str, Any]) -> dict[str, Any]:
    """The template as MiniStack takes it: the SAM resources expanded, the differences made."""
    from samtranslator.translator.transform import transform

    document: dict[str, Any] = transform(template, {}, _NoManagedPolicies())
    numbers = {
        name: int(parameter["Default"])
        for name, parameter in document["Parameters"].items()
        if parameter["Type"] == "Number"
    }
    document["Resources"] = {
        name: _with_numbers(resource, numbers)
        for name, resource in document["Resources"].items()
        if "Metrics" not in resource.get("Properties", {})
    }
    return document


def _with_numbers(value: Any, numbers: Mapping[str, int]) -> Any:
    match value:
        case {"Ref": str(name)} if name in numbers:
            return numbers[name]
        case dict():
            return {
                key: inner if key == "Variables" else _with_numbers(inner, numbers)
                for key, inner in value.items()
            }
        case list():
            return [_with_numbers(inner, numbers) for inner in value]
        case _:
            return value


class _NoManagedPolicies:
    """The template names no managed policy, so none is ever asked for."""

    def load(self) -> dict[str, str]:
        return {}


def with_code(template: dict[str, Any]) -> dict[str, Any]:
    """The template with the places in S3 that `sam package` would write into it."""
    properties = (resource.get("Properties", {}) for resource in template["Resources"].values())
    for holder in (template["Globals"]["Function"], *properties):
        for name in {"CodeUri", "ContentUri"} & holder.keys():
            holder[name] = f"s3://{CODE_BUCKET}/{_code_key(holder[name])}"
    return template


def _code_key(uri: str) -> str:
    return uri.replace("/", "-") + ".zip"


def _zipped(folder: Path, prefix: str) -> bytes:
    """The sources with their bytecode: each function's first event need not wait for a compiler.

    And what lies beside them, such as the style of a page.
    """
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for path in _files(folder):
            place = Path(prefix + path.relative_to(folder).as_posix())
            archive.write(path, place.as_posix())
            if path.suffix != ".py":
                continue
            compiled = f"{place.stem}.{sys.implementation.cache_tag}.pyc"
            archive.writestr((place.parent / "__pycache__" / compiled).as_posix(), _bytecode(path))
    return body.getvalue()


def _bytecode(path: Path) -> bytes:
    """Used unchecked: unzipping gives a source a new time, and nothing changes it afterwards."""
    code = SourceFileLoader(path.stem, str(path)).get_code(path.stem)
    header = MAGIC_NUMBER + UNCHECKED_HASH + source_hash(path.read_bytes())
    return header + marshal.dumps(code)


def _files(folder: Path) -> Iterator[Path]:
    """But for bytecode, which may be of other sources."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return (path for path in files if "__pycache__" not in path.parts)
