"""HTTP client: sends one request to the API with a token it fetches, as a command and a library.

``python -m client URL [METHOD] [JSON]`` corresponds to the Okta sample's ``node client``;
``client.api.Api`` is the library behind it. ``python -m client import`` is ``client.importing``.
The client speaks HTTP to the issuer and to the API, and imports no code of either.

Imports are kept lean: only argparse is loaded until the arguments are valid, and httpx only when
a request is sent.
"""

from typing import Final

__version__: Final = "0.2.0"
