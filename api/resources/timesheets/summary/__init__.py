"""``/timesheets/summary``: sums of hours, as JSON or CSV."""
