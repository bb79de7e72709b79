"""A local AWS for trying and testing CDK apps: MiniStack with a SageMaker images service.

`Sandbox` starts and uses the server. The same images service without a server is in `imgver_sandbox.in_process`.
"""

from imgver_sandbox.errors import SandboxError
from imgver_sandbox.runtime.pushed_image import PushedImage
from imgver_sandbox.runtime.sandbox import Sandbox
from imgver_sandbox.sagemaker.assumptions import Assumptions

__all__ = ["Assumptions", "PushedImage", "Sandbox", "SandboxError"]
