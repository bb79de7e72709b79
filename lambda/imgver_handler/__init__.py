"""The custom resource handler. It needs the standard library and the botocore of the Lambda runtime, nothing else.

Data flows one way: ``cloudformation.request`` parses the event, the modules of ``resources`` decide and act through
``aws.gateway`` (the only module that calls AWS), and ``cloudformation.response`` sends the result to CloudFormation.
"""
