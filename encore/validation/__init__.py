"""Validation of JSON bodies: values against columns, members against what may be written."""
