"""The constraints of the API as data (``rules``), and the checks and warnings of declarations at synth."""
