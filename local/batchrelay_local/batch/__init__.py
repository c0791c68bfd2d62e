"""AWS Batch on this machine.

`scheduler` is pure and knows neither clock nor process; `runner` runs processes and knows no job;
`api` is AWS's wire; `service` joins them. `events` and `details` are AWS's shapes.
"""
