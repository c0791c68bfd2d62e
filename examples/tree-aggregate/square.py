"""The squares of this child's numbers, an object each: a program that loops by itself."""

import json
import subprocess
import sys

import boto3

bucket, _, prefix = sys.argv[1].removeprefix("s3://").partition("/")
s3 = boto3.client("s3")
lines = subprocess.run(["batchrelay-worker", "items"], check=True, capture_output=True, text=True)
for line in lines.stdout.splitlines():
    number = int(json.loads(line))
    s3.put_object(Bucket=bucket, Key=f"{prefix}{number}.txt", Body=str(number**2).encode())
