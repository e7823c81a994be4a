"""What a dry run and a preview show: the first rows beside their entries, and sums of hours."""
