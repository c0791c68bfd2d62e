"""A fan-out of squares on AWS Batch, and their sum."""

from redun import task

redun_namespace = "squares"


@task(executor="batch")
def square(number: int) -> int:
    return number * number


@task(executor="batch")
def total(numbers: list[int]) -> int:
    return sum(numbers)


@task()
def main(n: int = 50) -> int:
    return total([square(number) for number in range(n)])
