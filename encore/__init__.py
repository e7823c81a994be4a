"""Encore: a secured REST service generated from SQLAlchemy models."""
