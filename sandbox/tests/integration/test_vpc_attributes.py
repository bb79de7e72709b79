"""The attribute of AWS::EC2::VPC that the sandbox adds."""


def template(**properties):
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.1.0.0/16", **properties}}
    value = {"Fn::GetAtt": ["Vpc", "CidrBlock"]}
    return {"Vpc": vpc, "Reader": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}}


def test_the_cidr_block_of_a_vpc(sandbox, stack):
    def read():
        return sandbox.client("ssm").get_parameter(Name=stack.resources()["Reader"])["Parameter"]["Value"]

    # WHEN it is created and updated in place
    assert stack.create(template()) == "CREATE_COMPLETE"
    vpc, first = stack.resources()["Vpc"], read()
    assert stack.update(template(EnableDnsSupport=False)) == "UPDATE_COMPLETE"

    assert stack.resources()["Vpc"] == vpc
    assert first == read() == "10.1.0.0/16"
