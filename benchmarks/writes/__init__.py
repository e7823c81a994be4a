"""Cost of entity tags, preconditions, idempotency keys, history, bulk changes and batches."""
