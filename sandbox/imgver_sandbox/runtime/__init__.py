"""The processes of the sandbox: the class that starts and uses a sandbox, the supervisor, and the CDK CLI."""
