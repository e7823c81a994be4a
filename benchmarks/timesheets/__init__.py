"""Timesheets in bulk: a year of made-up work, and what importing and summing it up costs."""
