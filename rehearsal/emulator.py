"""Starts MiniStack, and corrects the differences from AWS that affect the rehearsal.

It prints each correction, and fails if MiniStack no longer needs it. When stdin is closed, it ends together with its child
processes.
"""

import os
import re
import signal
import sys
import threading

from ministack import app
from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners


def correct_names():
    """API Gateway answers to the host names in the outputs of a stack, <api>.execute-api.<region>.amazonaws.com."""
    assert not app._EXECUTE_API_RE.match("0123abcd.execute-api.eu-central-1.amazonaws.com")
    app._EXECUTE_API_RE = re.compile(r"^([a-f0-9]{8})\.execute-api\.[a-z0-9-]+\.amazonaws\.com$")


def correct_secrets():
    """A secret without a value has no version (MiniStack writes an empty one). Its Ref is its ARN, not its name."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def name_of(arn):
        return secretsmanager._resolve(arn)[0]

    def corrected_create(logical_id, properties, stack_name):
        name, attributes = create(logical_id, properties, stack_name)
        versions = secretsmanager._secrets[name]["Versions"]
        assert name != attributes["Arn"] and versions, "MiniStack creates secrets as AWS does"
        if "SecretString" not in properties and "GenerateSecretString" not in properties:
            versions.clear()
        return attributes["Arn"], attributes

    def corrected_update(arn, *rest, **named):
        _, attributes = update(name_of(arn), *rest, **named)
        return attributes["Arn"], attributes

    handlers["create"] = corrected_create
    handlers["update"] = corrected_update
    handlers["delete"] = lambda arn, properties: delete(name_of(arn), properties)


def end_with_parent():
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)


for correct in [correct_names, correct_secrets]:
    correct()
    print("corrected:", correct.__doc__, flush=True)
threading.Thread(target=end_with_parent, daemon=True).start()
app.main()
