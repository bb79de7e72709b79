"""The contract with CloudFormation: the request that it sends and the response that it gets."""
