"""The port: a server on the loopback interface, and the check of each request's signature."""
