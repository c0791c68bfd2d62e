"""Shows what each child of a step did, and how long the slowest one took, for two steps."""

import json
import sys

import boto3

bucket, _, runs = sys.argv[1].removeprefix("s3://").partition("/")
s3 = boto3.client("s3")
for step in ("fixed", "pulled"):
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{runs}{step}/r0/results/")["Contents"]
    records = [
        json.loads(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
        for entry in listed
    ]
    busy = sorted(sum(item["s"] for item in record["items"]) for record in records)
    items = {item["n"] for record in records for item in record["items"] if item["ok"]}
    print(
        f"{step:6}: {len(items)} items, the busiest of {len(records)} children had "
        f"{busy[-1]:.1f} s of work"
    )
    if len(items) != 32:
        sys.exit(f"{step}: {sorted(set(range(32)) - items)} are missing")
