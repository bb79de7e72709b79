"""The command imgver-sandbox."""
