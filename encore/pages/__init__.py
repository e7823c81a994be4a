"""Pages of a list: read by position, linked by cursors or numbers, with or without a total."""
