"""Shows by which attempt the child ended, and that every item was done once."""

import json
import sys

import boto3

bucket, _, prefix = sys.argv[1].removeprefix("s3://").partition("/")
s3 = boto3.client("s3")
[listed] = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
record = json.loads(s3.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read())
done = sorted(item["n"] for item in record["items"] if item["ok"])
print(f"attempt {record['attempt']} ended with {len(done)} of 10 items done")
sys.exit(done != list(range(10)) or record["attempt"] < 2)
