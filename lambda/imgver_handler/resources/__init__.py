"""One module per custom resource type, and the modules that they share."""
