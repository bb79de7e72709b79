"""The processes of the sandbox: the class that starts and uses them, the supervisor, and the server."""
