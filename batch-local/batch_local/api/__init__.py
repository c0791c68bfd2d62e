"""AWS Batch's wire: each operation, in AWS's shapes."""
