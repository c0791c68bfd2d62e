"""AWS Batch on this machine.

`scheduler` is pure and knows neither clock nor process; `runner` runs processes and knows no job;
`api` is AWS's wire, with `submission`, `listing`, `definitions` and `queues` behind it; `service`
joins them. `details` and `events` are AWS's shapes, `model` is what is remembered.
"""
