"""Where the bytes come from: a file, standard input, or a URL."""
