"""What jobs print, and the part of CloudWatch Logs that reads it."""
