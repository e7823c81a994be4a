"""Cost of importing and summarizing timesheets, with generated entries."""
