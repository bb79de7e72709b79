"""One app, declared with this library and in two other ways: python -m synth_apps MODULE VERSIONS FOLDER.

Of the modules each is imported by itself, so that an app loads what it needs and no more.
"""

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"
