"""batchrelay: pipelines on AWS Batch with no server. This package ships to Lambda."""
