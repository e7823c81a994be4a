"""The client: one request to the API with a token fetched on the way, as command and library.

``python -m client URL [METHOD] [JSON]`` is the analog of the Okta sample's ``node client``;
``client.api.Api`` is the same for programs. ``python -m client import`` is ``client.importing``. It
speaks HTTP to the issuer and to the API, and imports nothing of either.

Imports are kept lean: until the arguments are known to be right, nothing beyond argparse is
loaded, and httpx only when a request is sent.
"""

__version__ = "0.1.0"
