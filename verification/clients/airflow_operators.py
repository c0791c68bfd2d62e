"""Operators that are executed as a task of a DAG executes them, with the provider's own hook."""

from __future__ import annotations

from airflow.exceptions import AirflowException
from airflow.providers.amazon import __version__ as provider_version
from airflow.providers.amazon.aws.hooks.batch_client import BatchClientHook
from airflow.providers.amazon.aws.operators.batch import (
    BatchCreateComputeEnvironmentOperator,
    BatchOperator,
)
from airflow.providers.amazon.aws.sensors.batch import (
    BatchComputeEnvironmentSensor,
    BatchJobQueueSensor,
    BatchSensor,
)
from airflow.version import version
from expect import JOB, exit_codes, expect, job_counts
from structlog.testing import capture_logs

DEFAULT_CREDENTIALS = {"aws_conn_id": None, "do_xcom_push": False}
"""The export lines, and no database to look a connection up or to keep a result in."""


def main() -> None:
    BatchClientHook.DEFAULT_DELAY_MAX = 1  # seconds between looks, as its documentation says
    hook = BatchClientHook(aws_conn_id=None)
    make_queue(hook)
    hook.client.register_job_definition(**JOB)

    plain = operator("plain", parameters={"number": "9"}, awslogs_enabled=True)
    with capture_logs() as entries:
        plain.execute({})
    sensor = BatchSensor(task_id="ended", job_id=plain.job_id, **DEFAULT_CREDENTIALS)
    expect("the sensor of the plain job", sensor.poke({}), True)
    lines = [entry["event"].rpartition("] ")[2] for entry in entries]
    shown = [line for line in lines if line in ("attempt 1", "9 squared is 81")]
    expect("its log in Airflow's", shown, ["attempt 1", "9 squared is 81"])

    array = operator("array", array_properties={"size": 20}, retry_strategy=JOB["retryStrategy"])
    expect("the failure of the array", failure_of(array), f"AWS Batch job ({array.job_id}) failed")
    expect(
        "its children",
        job_counts(hook.client, arrayJobId=array.job_id),
        {"SUCCEEDED": 19, "FAILED": 1},
    )
    children = [hook.get_job_description(f"{array.job_id}:{index}") for index in (3, 7)]
    expect("the exit codes of children 3 and 7", [*map(exit_codes, children)], [[75, 0], [2]])
    whole = operator("whole", array_properties={"size": 3})
    expect("the answer to an array without a failure", whole.execute({}), whole.job_id)
    print(f"Airflow {version} (amazon provider {provider_version})")


def operator(name: str, **arguments: object) -> BatchOperator:
    return BatchOperator(
        task_id=name,
        job_name=name,
        job_queue="q",
        job_definition="square",
        **arguments,
        **DEFAULT_CREDENTIALS,
    )


def make_queue(hook: BatchClientHook) -> None:
    made = BatchCreateComputeEnvironmentOperator(
        task_id="make",
        compute_environment_name="e",
        environment_type="MANAGED",
        state="ENABLED",
        compute_resources={"type": "EC2", "maxvCpus": 2, "subnets": ["none"]},
        **DEFAULT_CREDENTIALS,
    ).execute({})
    ready = BatchComputeEnvironmentSensor(
        task_id="ready", compute_environment="e", **DEFAULT_CREDENTIALS
    )
    expect("the sensor of the compute environment", ready.poke({}), True)
    order = [{"order": 1, "computeEnvironment": made}]
    hook.client.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
    open_queue = BatchJobQueueSensor(task_id="open", job_queue="q", **DEFAULT_CREDENTIALS)
    expect("the sensor of the queue", open_queue.poke({}), True)


def failure_of(task: BatchOperator) -> str:
    try:
        task.execute({})
    except AirflowException as error:
        return str(error).partition(":")[0]
    return ""


main()
