"""AWS on this machine, for trying and testing: MiniStack plus a SageMaker images service."""
