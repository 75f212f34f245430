"""The long-running pipeline: one process that takes in and sends out, and workers that load."""
