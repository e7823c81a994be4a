"""What is printed: JSON, tables, CSV or NDJSON, on stdout or in a file.

``writer.open_writer`` returns the writer of a format; ``destination`` is where it writes to.
"""

from client.output.text import write_json, write_text

__all__ = ["write_json", "write_text"]
