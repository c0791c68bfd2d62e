"""Lists samples, works on one, merges what there is. It knows AWS Batch's variables only."""

from __future__ import annotations

import os
import sys
import time

import s3

BAD_DATA, NO_INPUT, TRY_AGAIN = 65, 66, 75
"""EX_DATAERR, EX_NOINPUT and EX_TEMPFAIL of sysexits.h."""

KINDS = ("busy",) * 14 + ("large",) * 9 + ("absent",) * 5 + ("broken",) * 9
"""What is the matter with 37 samples; the others have no kind."""


def list_samples(count: str, uri: str) -> None:
    samples = [f"s{number:05d}" for number in range(int(count))]
    for number, kind in enumerate(KINDS):
        samples[number * len(samples) // len(KINDS)] += f"-{kind}"
    s3.put(uri, "".join(f"{sample}\n" for sample in samples))
    print(f"{len(samples)} samples listed")


def process(samples_file: str, results: str) -> None:
    index = int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "0"))  # a plain job has entry 0
    sample = (s3.get(samples_file) or b"").decode().splitlines()[index]
    kind = sample.partition("-")[2]
    if kind == "busy" and s3.get(f"{results}tried/{sample}") is None:
        s3.put(f"{results}tried/{sample}", "")
        fail(TRY_AGAIN, "the licence server has no licence left")
    if kind == "large":
        block = b"x" * (96 << 20)  # more than the 64 MiB of the first round
        time.sleep(0.3)
        print(f"{len(block) >> 20} MiB were enough")
    if kind == "absent" and s3.get(f"{results}scans/{sample}.png") is None:
        fail(NO_INPUT, f"there is no scan {sample}.png")
    if kind == "broken":
        fail(BAD_DATA, "line 3 is not a number: 12,x")
    s3.put(f"{results}done/{sample}.txt", f"{sample} by job {os.environ['AWS_BATCH_JOB_ID']}\n")


def merge(samples_file: str, folder: str, uri: str) -> None:
    samples = (s3.get(samples_file) or b"").decode().splitlines()
    done = {name.removesuffix(".txt") for name in s3.names(folder)}
    missing = [sample for sample in samples if sample not in done]
    s3.put(uri, "".join(f"{sample}\n" for sample in missing))
    print(f"{len(done)} of {len(samples)} samples merged; without {', '.join(missing) or 'none'}")


def fail(code: int, why: str) -> None:
    print(why)
    sys.exit(code)


VERBS = {"list": list_samples, "process": process, "merge": merge}

if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    VERBS[verb](*words)
