"""Pages of a list: keyset and offset pagination, cursors, links and totals."""
