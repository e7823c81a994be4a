"""The device authorization grant (RFC 8628): a program asks, a user answers in any browser."""
