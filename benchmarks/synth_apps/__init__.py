"""One app, declared with this library and in two other ways: python -m synth_apps MODULE VERSIONS FOLDER.

Each module is imported alone, so that an app loads only its own dependencies.
"""

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"
