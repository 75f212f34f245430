"""What is done here, one file each; they know the order of the stages, the stages don't know each other."""
