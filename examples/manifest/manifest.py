"""Lists files with parameters, counts the long words of one, adds up. An example of batchrelay."""

from __future__ import annotations

import json
import os
import sys
from urllib.parse import urlsplit

import boto3

TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h."""


def s3_parts(uri: str) -> dict[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


def put(uri: str, document: object) -> None:
    boto3.client("s3").put_object(Body=json.dumps(document).encode(), **s3_parts(uri))


def get(uri: str) -> bytes:
    return boto3.client("s3").get_object(**s3_parts(uri))["Body"].read()


def list_files(source: str, manifest: str) -> None:
    bucket = urlsplit(source).netloc
    pages = (
        boto3.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=bucket, Prefix=s3_parts(source)["Key"])
    )
    keys = [listed["Key"] for page in pages for listed in page.get("Contents", [])]
    items = [
        {"file_key": f"s3://{bucket}/{key}", "parameters": {"threshold": 4 + number % 3}}
        for number, key in enumerate(keys)
    ]
    put(manifest, {"items": items})
    print(f"{len(items)} files listed")


def process(file: str, threshold: str, result: str) -> None:
    if os.environ["AWS_BATCH_JOB_ATTEMPT"] == "1" and "b+c" in file:
        print("no network")
        sys.exit(TRY_AGAIN)
    words = get(file).decode().split()
    long_words = [word for word in words if len(word) >= int(threshold)]
    put(result, {"files": [file.rpartition("/")[2]], "long_words": len(long_words)})


def aggregate(result: str, *inputs: str) -> None:
    parts = [json.loads(get(uri)) for uri in inputs]
    total = {
        "files": [name for part in parts for name in part["files"]],
        "long_words": sum(part["long_words"] for part in parts),
    }
    put(result, total)
    print(json.dumps(total, ensure_ascii=False))


VERBS = {"list": list_files, "process": process, "aggregate": aggregate}

if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    VERBS[verb](*words)
