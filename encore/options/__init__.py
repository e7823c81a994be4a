"""The options of a resource, under the snake_case of Finale's names."""
