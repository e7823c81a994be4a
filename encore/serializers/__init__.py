"""Serializers: which fields and relations are output, and how rows become JSON."""
