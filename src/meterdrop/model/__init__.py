"""The words of the house: frozen dataclasses, enums and errors; no input or output."""
