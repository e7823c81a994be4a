"""What is imported into: the resources of the API and their fields."""
