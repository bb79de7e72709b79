"""The processes of the sandbox: starting, watching and ending them."""
