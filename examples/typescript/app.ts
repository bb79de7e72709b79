import * as cdk from 'aws-cdk-lib';
import { aws_ecr as ecr, aws_iam as iam, aws_sagemaker as sagemaker, aws_ssm as ssm } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** A SageMaker image with one version, two aliases and a retention. */
class TeamVision extends cdk.Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const repository = ecr.Repository.fromRepositoryName(this, 'Repository', 'team-vision');
    const role = new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com') });
    const pull = repository.grantPull(role);
    const image = new sagemaker.CfnImage(this, 'Image', { imageName: 'team-vision', imageRoleArn: role.roleArn });

    // What the three custom resources have in common.
    const serviceToken = ssm.StringParameter.valueForStringParameter(this, '/image-version-provider');
    const declare = (id: string, resourceType: string, properties: { [name: string]: unknown }) =>
      new cdk.CustomResource(this, id, {
        resourceType: `Custom::${resourceType}`,
        serviceToken,
        serviceTimeout: cdk.Duration.minutes(30),
        properties: { ImageName: image.imageName, ...properties },
      });

    const tag = this.node.tryGetContext('tag') ?? '1.0.0';
    const version = declare('Version', 'SageMakerImageVersion', {
      BaseImage: repository.repositoryUriForTag(tag),
      JobType: 'NOTEBOOK_KERNEL',
      MLFramework: 'PyTorch 2.5',
      DeletedWithImage: true,
    });
    version.node.addDependency(image, pull);
    const aliases = ['latest', 'stable'].map((alias) =>
      declare(`Alias-${alias}`, 'SageMakerImageAlias', { Alias: alias, Version: version.ref }),
    );
    const retention = declare('Retention', 'SageMakerImageRetention', {
      Keep: 5,
      Versions: [version.getAttString('Version')],
    });
    retention.node.addDependency(...aliases);

    new cdk.CfnOutput(this, 'ContainerImage', { value: version.getAttString('ContainerImage') });
  }
}

const app = new cdk.App();
new TeamVision(app, 'TeamVision');
app.synth();
