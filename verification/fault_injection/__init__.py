"""The examples in bad weather, by the real handlers: `make chaos SEEDS=200`."""
