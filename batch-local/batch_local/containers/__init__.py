"""What definitions and requests say of containers: of one, of a task's, of a pod's, of nodes."""
