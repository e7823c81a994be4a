"""From records to rows in our names and notations, with their natural keys."""
