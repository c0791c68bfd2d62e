"""What is created by name: compute environments, job queues, policies, consumable resources."""
