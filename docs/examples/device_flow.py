# A program without a browser: its user signs in once, and every later run refreshes. Python 3.9 or newer, nothing to
# install.
#
#     npm start                                   in one terminal
#     python3 docs/examples/device_flow.py        in another; run it again to see it refresh
#
# ISSUER and CLIENT_ID point it at another broker. The refresh token is kept in ~/.token-broker-example-py, or TOKEN_FILE.

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

issuer = os.environ.get("ISSUER", "http://127.0.0.1:8787/demo")
client_id = os.environ.get("CLIENT_ID", "nightly")
token_file = os.environ.get("TOKEN_FILE", os.path.expanduser("~/.token-broker-example-py"))

# The client has graceSeconds 60: a refresh whose answer is lost may be repeated within that time.
TRIES = 3
TIMEOUT_SECONDS = 8


class Refused(Exception):
    """An error answer (RFC 6749 section 5.2); its str() is the error code."""


def ask(url, form=None, bearer=None):
    """GET without a form, else POST. Raises Refused, or OSError when no answer came."""
    request = urllib.request.Request(url)
    if form is not None:
        request.data = urllib.parse.urlencode(form).encode()
    if bearer is not None:
        request.add_header("Authorization", f"Bearer {bearer}")
    for attempt in range(1, TRIES + 1):
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise Refused(json.load(error).get("error", f"status {error.code}")) from None
            if attempt == TRIES:
                raise
        except OSError:
            if attempt == TRIES:
                raise
        time.sleep(attempt)


def sign_in():
    start = {"client_id": client_id, "scope": "openid profile offline_access"}
    started = ask(broker["device_authorization_endpoint"], start)
    print(f"Open {started['verification_uri_complete']}")
    print(f"and check that the page shows {started['user_code']}.", flush=True)
    interval = started["interval"]
    while True:
        time.sleep(interval)
        try:
            return stored(grant("urn:ietf:params:oauth:grant-type:device_code", device_code=started["device_code"]))
        except Refused as error:
            # RFC 8628 section 3.5: any other error ends the flow.
            if str(error) == "slow_down":
                interval += 5
            elif str(error) != "authorization_pending":
                raise


def refresh():
    """None if there is no session, or if it has ended."""
    try:
        with open(token_file, encoding="ascii") as file:
            refresh_token = file.read()
    except FileNotFoundError:
        return None
    try:
        return stored(grant("refresh_token", refresh_token=refresh_token))
    except Refused as error:
        # Only this answer means that the session is over. After any other error the token is kept.
        if str(error) != "invalid_grant":
            raise
        os.remove(token_file)
        return None


def grant(grant_type, **form):
    return ask(broker["token_endpoint"], {"client_id": client_id, "grant_type": grant_type, **form})


def stored(tokens):
    """Store the successor of the spent token before anything else: as a whole, readable by its owner only."""
    draft = f"{token_file}.new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(tokens["refresh_token"])
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, token_file)
    return tokens


try:
    broker = ask(f"{issuer}/.well-known/openid-configuration")
    tokens = refresh() or sign_in()
    person = ask(broker["userinfo_endpoint"], bearer=tokens["access_token"])
    print(f"Signed in as {person['name']} ({person['sub']}); the access token is good for {tokens['expires_in']} seconds.")
except (Refused, OSError) as error:
    sys.exit(f"{issuer}: {error}")
