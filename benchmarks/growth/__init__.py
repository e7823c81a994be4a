"""Cost of requests as a table grows from 10,000 to 1,000,000 rows."""
