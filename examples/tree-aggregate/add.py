"""One sum out of many: add.py OUTPUT INPUT…"""

import sys

import boto3

s3 = boto3.client("s3")


def parts(uri: str) -> dict[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


output, *inputs = sys.argv[1:]
total = sum(int(s3.get_object(**parts(uri))["Body"].read()) for uri in inputs)
s3.put_object(**parts(output), Body=str(total).encode())
print(f"{len(inputs)} inputs, sum {total}")
