"""What a request costs as the table grows, from 10,000 rows to 1,000,000."""
