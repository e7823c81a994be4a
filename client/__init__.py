"""The command line of the API: sends one request with a token it fetches, and imports rows.

``python -m client URL [METHOD] [JSON]`` corresponds to the Okta sample's ``node client``;
``encore.client`` is the library behind it; ``client.commands`` lists the other commands.

Imports are kept lean: only argparse is loaded until the arguments are valid, and httpx only when
a request is sent.
"""

from typing import Final

__version__: Final = "0.2.0"
