"""Counts the words of a folder of texts on S3: plan, migrate (once per text), merge.

    python word_count.py plan --source s3://in/texts/ --destination s3://out/ --plan s3://out/plan.json
    python word_count.py migrate --plan s3://out/plan.json --index 3
    python word_count.py merge --source s3://out/

It knows nothing of batchrelay: `migrate` takes its index from AWS Batch's own variable.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3

WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
RESULT_SUFFIX = ".words"
TOP_COUNT = 100
SHORTEST = 3
RAREST = 3
STOP_WORDS = frozenset(
    """
    a about after all also an and any are as at be because been before but by can could did do
    does down each even every few for from had has have he her here him his how i if in into is it
    its just like made make many may me more most much must my no nor not now of off on one only or
    other our out over own same she should so some still such than that the their them then there
    these they this those through to too two under until up upon us very was we were what when
    where which while who whom why will with would you your
    """.split()
)

s3 = boto3.client("s3")


def split(uri: str) -> tuple[str, str]:
    """Bucket and key."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def keys_below(uri: str) -> Iterator[str]:
    """Every key that begins with the URI's."""
    bucket, prefix = split(uri)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            yield entry["Key"]


def read(bucket: str, key: str) -> str:
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8", "replace")


def write(uri: str, text: str) -> None:
    bucket, key = split(uri)
    s3.put_object(Bucket=bucket, Key=key, Body=text.encode())


def plan(source: str, destination: str, plan_uri: str) -> None:
    """List the texts; what there is to do goes into the plan."""
    bucket, prefix = split(source)
    items = [key.removeprefix(prefix) for key in keys_below(source) if not key.endswith("/")]
    metadata = {
        "Source": {"Bucket": bucket, "Key": prefix},
        "Destination": dict(zip(("Bucket", "Key"), split(destination), strict=True)),
        "TotalItems": len(items),
    }
    write(plan_uri, json.dumps({"Metadata": metadata, "Items": items}, indent=2))
    print(f"{len(items)} texts in {source}; the plan is {plan_uri}")


def migrate(plan_uri: str, index: int) -> None:
    """Count the words of one text of the plan; `word:count` a line."""
    document: dict[str, Any] = json.loads(read(*split(plan_uri)))
    source, destination = (document["Metadata"][name] for name in ("Source", "Destination"))
    item = document["Items"][index]
    text = read(source["Bucket"], source["Key"] + item)
    counts = Counter(word.lower() for word in WORD.findall(text))
    lines = "".join(f"{word}:{count}\n" for word, count in counts.most_common())
    target = f"s3://{destination['Bucket']}/{destination['Key']}{item}{RESULT_SUFFIX}"
    write(target, lines)
    print(f"{item}: {counts.total()} words, {len(counts)} different -> {target}")


def merge(source: str) -> None:
    """Add up all counts; the table of the most frequent words, here and as JSON."""
    bucket, _ = split(source)
    total: Counter[str] = Counter()
    results = 0
    for key in keys_below(source):
        if not key.endswith(RESULT_SUFFIX):
            continue
        results += 1
        for line in read(bucket, key).splitlines():
            word, _, count = line.rpartition(":")
            total[word] += int(count)
    top = [
        (word, count)
        for word, count in sorted(total.items(), key=lambda entry: (-entry[1], entry[0]))
        if len(word) >= SHORTEST and count >= RAREST and word not in STOP_WORDS
    ][:TOP_COUNT]
    write(source + "top.json", json.dumps(dict(top), indent=2, ensure_ascii=False))
    print_table(top, results)


def print_table(top: list[tuple[str, int]], results: int) -> None:
    width = max((len(word) for word, _ in top), default=4)
    print(f"{'word':{width}}  count")
    for word, count in top:
        print(f"{word:{width}}  {count:5}")
    print(f"{len(top)} words out of {results} texts")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, options in (
        ("plan", ("--source", "--destination", "--plan")),
        ("migrate", ("--plan",)),
        ("merge", ("--source",)),
    ):
        command = commands.add_parser(name)
        for option in options:
            command.add_argument(option, required=True, metavar="S3URI")
        if name == "migrate":
            # a plain job that stands for an array of one has no index: it is the first
            index = int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "0"))
            command.add_argument("--index", type=int, default=index)
    arguments = parser.parse_args()
    match arguments.command:
        case "plan":
            plan(arguments.source, arguments.destination, arguments.plan)
        case "migrate":
            migrate(arguments.plan, arguments.index)
        case "merge":
            merge(arguments.source)


if __name__ == "__main__":
    main()
