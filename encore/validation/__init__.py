"""Validation of JSON bodies: values against columns, members against writable fields."""
