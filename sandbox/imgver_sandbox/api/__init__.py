"""The HTTP API of the sandbox itself, below `/_imgver/`, and the records that it returns."""
