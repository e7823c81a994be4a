"""Idempotency keys: a request that is sent again with its key is carried out once.

After draft-ietf-httpapi-idempotency-key-header-07. Start reading at ``run`` (one request with a
key, from its body to its response); ``key`` parses the header, ``fingerprint`` says which requests
are the same, ``store`` keeps responses in the transaction of the write, ``in_progress`` lets twins
wait in this process.
"""
