"""One request: its arguments, URL and body, how it is sent, and what is said about the response."""
