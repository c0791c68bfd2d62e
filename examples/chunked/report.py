"""Adds up the result records of a step: what became of each item, and how long it took."""

import json
import sys

import boto3

bucket, _, prefix = sys.argv[1].removeprefix("s3://").partition("/")
s3 = boto3.client("s3")
pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
records = [
    json.loads(s3.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read())
    for page in pages
    for listed in page.get("Contents", [])
]
items = [item for record in records for item in record["items"]]
numbers = {item["n"] for item in items}
done = sum(item["ok"] for item in items)
seconds = sum(item["s"] for item in items)
print(f"{done} of {len(numbers)} items done by {len(records)} children, {seconds:.1f} s of work")
sys.exit(done != len(numbers))
