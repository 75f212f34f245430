"""What may a new partner's profile be? Samples read, cells looked at, statements made, YAML written."""
