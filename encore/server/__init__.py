"""Running a service: granian under a supervisor, connections, shutdown, logs."""
