"""A Lambda function (Python 3.11 or newer) that calls an API in its own name, without a secret: it shows the broker the
token of its role. The runtime has boto3. docs/workloads.md says what to register, and which permission the role needs.
"""

import json
import os
import time
import urllib.parse
import urllib.request

import boto3

ISSUER, CLIENT_ID, API_URL = os.environ["ISSUER"], os.environ["CLIENT_ID"], os.environ["API_URL"]
sts = boto3.client("sts")
cached = {"token": None, "good_until": 0.0}


def handler(event, context):
    request = urllib.request.Request(API_URL, headers={"Authorization": f"Bearer {token()}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def token():
    """One token for as many calls as its lifetime allows."""
    if time.time() < cached["good_until"]:
        return cached["token"]
    proof = sts.get_web_identity_token(Audience=[ISSUER], SigningAlgorithm="ES384")["WebIdentityToken"]
    form = {
        "grant_type": "client_credentials",
        "scope": "reports:read",
        "client_id": CLIENT_ID,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": proof,
    }
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(f"{ISSUER}/oauth/token", body, timeout=10) as answer:
        tokens = json.load(answer)
    cached.update(token=tokens["access_token"], good_until=time.time() + tokens["expires_in"] - 30)
    return cached["token"]
