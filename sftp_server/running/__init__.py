"""The door as a service: one for a home, known by its keys, measured, and closed without dropping anybody."""
