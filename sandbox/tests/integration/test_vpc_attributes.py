"""CloudFormation's own type AWS::EC2::VPC, as far as MiniStack's is mended."""


def template(**properties):
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.1.0.0/16", **properties}}
    value = {"Fn::GetAtt": ["Vpc", "CidrBlock"]}
    return {"Vpc": vpc, "Reader": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}}


def test_a_vpc_answers_its_cidr_block(sandbox, stack):
    def read():
        return sandbox.client("ssm").get_parameter(Name=stack.resources()["Reader"])["Parameter"]["Value"]

    # WHEN it is made, and changed in place
    assert stack.create(template()) == "CREATE_COMPLETE"
    vpc, first = stack.resources()["Vpc"], read()
    assert stack.update(template(EnableDnsSupport=False)) == "UPDATE_COMPLETE"

    # THEN
    assert stack.resources()["Vpc"] == vpc
    assert first == read() == "10.1.0.0/16"
