"""The SageMaker images service in memory: its operations, one module for each resource type, and its records."""
