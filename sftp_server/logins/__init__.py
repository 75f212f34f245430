"""What opens the door? Accounts, keys, certificates, passwords, and what has been called back."""
