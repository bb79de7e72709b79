"""The rules of the SageMaker API, and the checks at synth."""
