"""The authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 9700)."""
