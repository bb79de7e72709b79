"""What goes wrong with the sandbox itself, as opposed to a call that it answers."""


class SandboxError(Exception):
    """One line that says what is wrong and what to do about it."""
