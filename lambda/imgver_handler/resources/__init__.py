"""One module for each custom resource type, and what they share."""
