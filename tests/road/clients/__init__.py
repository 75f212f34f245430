"""Partners' real clients go the whole road: exit code, bytes, hand-overs and receipt of each."""
