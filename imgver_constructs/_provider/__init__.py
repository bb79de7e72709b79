"""Internals of the provider: its policies, their quota, and its binding to custom resources."""
