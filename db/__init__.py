"""The models of this service and their declarative base."""
