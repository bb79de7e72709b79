"""The side of AWS: the gateway, the only module that calls AWS, and what it needs."""
