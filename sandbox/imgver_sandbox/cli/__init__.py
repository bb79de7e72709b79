"""The command `imgver-sandbox`."""
