"""What do we hand back? Receipts, the rejects file, and the words for each finding code."""
