"""The side of CloudFormation: the event that it sends, and the response that it gets."""
