"""What the provider needs besides its function: policies, the quota of inline policies, dependencies."""
