"""AWS's shapes of jobs, as DescribeJobs and events have them."""
