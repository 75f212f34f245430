"""Who works on what? Partners' queues, drained one delivery at a time."""
