"""A fan-out, each task a job. The first attempt of number 3 fails, and every one of `--failing`."""

from __future__ import annotations

import os
import sys

from metaflow import FlowSpec, Parameter, batch, current, environment, retry, step

INSTALLED = {"METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1"}
"""The job's Python is that of the client, as if its image had what Metaflow installs by pip."""


class Squares(FlowSpec):
    """Metaflow has no array jobs."""

    failing = Parameter("failing", default=-1)

    @step
    def start(self) -> None:
        self.numbers = [2, 3, 7]
        self.next(self.square, foreach="numbers")

    @retry(times=1, minutes_between_retries=0)
    @batch(cpu=1, memory=64)
    @environment(vars=INSTALLED)
    @step
    def square(self) -> None:
        number, attempt = self.input, current.retry_count
        print(f"attempt {attempt} at {number} in {os.environ['AWS_EXECUTION_ENV']}")
        if number == self.failing or (number, attempt) == (3, 0):
            sys.exit(f"no square of {number}")
        self.squared = number**2
        self.next(self.join)

    @step
    def join(self, squares: list[Squares]) -> None:
        self.total = sum(square.squared for square in squares)
        self.next(self.end)

    @step
    def end(self) -> None:
        """The total is this task's."""


if __name__ == "__main__":
    Squares()
