"""What an entry must be: by itself, with a person's others, in its period, and in its status."""
