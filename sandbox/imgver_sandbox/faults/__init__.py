"""Faults: the errors and delays of AWS that a test can cause in the sandbox."""
