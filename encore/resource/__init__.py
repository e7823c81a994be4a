"""Compiling a model and its options into a resource's definition, with all options checked."""
