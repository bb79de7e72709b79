"""What the images service keeps, and its operations: one module for each kind of thing."""
