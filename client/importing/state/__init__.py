"""What an import keeps between runs: checkpoint, lock, rejected rows."""
