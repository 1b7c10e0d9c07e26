"""PyJWT's verdict on each token of a corpus, in the way Scalekit's Python SDK asks it.

stdin: {"jwks": ..., "issuer": ..., "audience": ..., "leeway": ..., "cases": [[name, token], ...]}
stdout: {name: "valid" or the name of the exception, ...}

With `--bench SECONDS` each case is a token that is valid, and stdout is how many were verified in a second.
"""

import json
import sys
import time
import warnings

import jwt

warnings.simplefilter("ignore")
given = json.load(sys.stdin)
keys = jwt.PyJWKSet.from_dict(given["jwks"])


def verify(token):
    kid = jwt.get_unverified_header(token)["kid"]
    return jwt.decode(
        token,
        keys[kid],
        algorithms=["RS256"],
        issuer=given["issuer"],
        audience=given["audience"],
        leeway=given["leeway"],
        options={"require": ["exp", "iss", "aud"]},
    )


def verdict(token):
    try:
        verify(token)
    except Exception as error:
        return type(error).__name__
    return "valid"


if sys.argv[1:2] == ["--bench"]:
    tokens = [token for _, token in given["cases"]]
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < float(sys.argv[2]):
        for token in tokens:
            verify(token)
        count += len(tokens)
    print(count / (time.perf_counter() - start))
else:
    print(json.dumps({name: verdict(token) for name, token in given["cases"]}))
