"""Readers: from a file's bytes to a document. They run in a worker process and never in the one that asks."""
