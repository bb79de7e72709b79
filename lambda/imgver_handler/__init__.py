"""The custom resource handler: the standard library and the runtime's boto3 are all that it needs.

Data flows one way. ``request`` parses the event, ``image_versions``, ``image_aliases`` and ``image_retention`` decide
and act through ``gateway`` (the only module that calls AWS), ``response`` carries the answer to CloudFormation.
"""
