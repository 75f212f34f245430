"""Other loaders, each as a program for the environment in which it is installed: nothing of ours is imported.

Each is told the file and where to load it, and says as JSON: seconds, rows loaded, lines rejected.
"""
