"""Twenty BatchTasks: AWS Batch retries one, and one fails. luigi has no array jobs."""

from __future__ import annotations

import boto3
import luigi
from expect import JOB_FILE, exit_codes, expect, job_counts, make_queue
from luigi.contrib.batch import BatchClient, BatchJobException, BatchTask

RETRIED, FAILING = 3, 7


class Square(BatchTask):
    """One job; its output says that it has ended well."""

    number = luigi.IntParameter()
    job_definition = "square"
    poll_time = 1

    @property
    def parameters(self) -> dict[str, str]:
        return {"number": str(self.number)}

    def run(self) -> None:
        super().run()
        with self.output().open("w") as file:
            file.write("SUCCEEDED")

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(f"{self.number}.txt")


class Squares(luigi.WrapperTask):
    """All that may end well."""

    def requires(self) -> list[Square]:
        return [Square(number=n, job_name=f"square-{n}") for n in range(20) if n != FAILING]


def main() -> None:
    batch = boto3.client("batch")
    make_queue(batch)
    client = BatchClient(poll_time=1)
    client.register_job_definition(JOB_FILE)

    ended_well = luigi.build([Squares()], workers=4, local_scheduler=True, log_level="WARNING")
    expect("the verdict of luigi", ended_well, True)
    expect("the failure of number 7", failure_of(Square(number=FAILING)), "attempt 1")
    expect(
        "the jobs of each status", job_counts(batch, jobQueue="q"), {"SUCCEEDED": 19, "FAILED": 1}
    )

    job = job_named(batch, f"square-{RETRIED}")
    expect("the exit codes of number 3", exit_codes(job), [75, 0])
    log = client.get_logs(job["container"]["logStreamName"])
    expect("its log", log, "attempt 2\n3 squared is 9")
    print(f"luigi {luigi.__version__} (boto3 {boto3.__version__})")


def failure_of(task: Square) -> str:
    """The log that luigi shows of a task that fails."""
    try:
        task.run()
    except BatchJobException as error:
        return str(error).partition("failed: ")[2]
    return ""


def job_named(batch: object, name: str) -> dict[str, object]:
    named = [{"name": "JOB_NAME", "values": [name]}]
    [summary] = batch.list_jobs(jobQueue="q", filters=named)["jobSummaryList"]
    return batch.describe_jobs(jobs=[summary["jobId"]])["jobs"][0]


main()
