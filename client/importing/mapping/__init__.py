"""The mapping file: its content, and how it is read."""
