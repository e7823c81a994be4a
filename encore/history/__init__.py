"""Histories of rows: their versions, reverting to one of them, and deleting old ones.

The database records the versions (``encore.database.history``), and lists and rows of a past time
are read by the ordinary actions (``encore.execution.past``).
"""
