"""Meterdrop: meter readings from metering companies, every line accounted for."""
