"""What schemathesis does for this API beyond what it knows by itself: values that exist, and the counts of answers.

It loads this file by the variable SCHEMATHESIS_HOOKS.
"""

import atexit
import collections
import json
import os
import urllib.parse
import urllib.request
import zlib

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.generation.meta import CONTENT_TYPE_PROBES, CoveragePhaseData
from schemathesis.specs.openapi.checks import UndefinedStatusCode

SUPPLY = os.environ["FUZZ_SUPPLY"]
SEED = os.environ["FUZZ_SEED"]
counts = collections.defaultdict(collections.Counter)


def good_request(operation, choice, is_spoilt):
    query = urllib.parse.urlencode({"operation": operation, "choice": choice} | ({"spoilt": ""} if is_spoilt else {}))
    with urllib.request.urlopen(f"{SUPPLY}?{query}") as answer:
        return json.load(answer)


def mutated_names(meta):
    """Names of parameters that the case makes wrong on purpose."""
    data = meta.phase.data
    names = {mutation.parameter for mutation in data.mutations} | {data.parameter}
    for mutation in data.mutations:
        names.update(part for part in mutation.path if isinstance(part, str))
    return {name.lower() for name in names if name}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """The local stack asks operators for no signature."""
    for item in raw_schema["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict) and operation["tags"] == ["Operators"]:
                operation["security"] = []


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops what the description cannot say, and says it here."""
    if isinstance(failure, AcceptedNegativeData):
        # RFC 6749 §3.1: an empty parameter counts as absent, even where the schema has a list of values.
        body = case.body if isinstance(case.body, dict) else {}
        if "" in [*body.values(), *case.query.values()]:
            return False
        # A redirect or a form brings the error to the client (RFC 6749 §4.1.2.1).
        if response.status_code == 303 and "error=" in response.headers["location"][0]:
            return False
        if response.status_code == 200 and b'name="error"' in response.content:
            return False
        # RFC 6749 §3.2: a member that belongs to another grant is ignored. Each grant's own route has this check.
        if case.operation.path == "/{application}/oauth/token":
            return False
    return True


@schemathesis.hook
def before_call(context, case, kwargs):
    """Puts values that exist into most cases. Schemathesis judges the case that comes out of it."""
    meta = case.meta
    if meta is None:
        return
    parts = [SEED, case.operation.label, case.path_parameters, case.query, case.headers, case.body]
    choice = zlib.crc32(repr(parts).encode("utf-8", "surrogatepass"))
    kind, amount = divmod(choice, 10)
    if amount == 0:
        return
    request = good_request(case.operation.label, kind, meta.generation.mode.is_negative)
    kept = mutated_names(meta)
    # Three in ten: the application alone, with whatever else was drawn.
    parts = ["path"] if amount < 4 else ["path", "query", "headers", "body"]
    for part in parts:
        for name, value in request.get(part, {}).items():
            if name.lower() in kept:
                continue
            if part == "path":
                case.path_parameters[name] = value
            elif part == "query":
                case.query[name] = value
            elif part == "headers":
                case.headers[name] = value
            elif isinstance(case.body, dict):
                case.body[name] = value
    if "headers" in parts and "body" in request and "authorization" not in kept | set(request.get("headers", {})):
        # A second way to authenticate would be refused.
        case.headers.pop("Authorization", None)


@schemathesis.hook
def after_call(context, case, response):
    counts[case.operation.label][response.status_code] += 1


@schemathesis.check
def odd_content_type_is_described(ctx, response, case):
    """Schemathesis judges requests with an odd Content-Type only by 5xx. Their answers are described as all others are."""
    data = case.meta and case.meta.phase.data
    if not isinstance(data, CoveragePhaseData) or data.scenario not in CONTENT_TYPE_PROBES:
        return
    described = case.operation.responses.status_codes
    if str(response.status_code) not in described:
        raise UndefinedStatusCode(
            operation=case.operation.label,
            status_code=response.status_code,
            defined_status_codes=list(described),
            allowed_status_codes=list(described),
            message=f"Received: {response.status_code}\nDocumented: {', '.join(described)}",
        )
    case.operation.validate_response(response, case=case)


@atexit.register
def write_counts():
    with open(os.environ["FUZZ_COUNTS"], "w") as file:
        json.dump(counts, file)
