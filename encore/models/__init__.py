"""Reading a mapped class: its columns as fields, relationships, inheritance, keys and types."""
