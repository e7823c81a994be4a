"""Mapped classes read into fields, relations, keys and type codecs."""
