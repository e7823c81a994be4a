"""The texts of ``--help`` and of usage errors, written by hand to fit on one screen."""

from typing import Final

PROGRAM: Final = "python -m client"

USAGE: Final = "python -m client URL [METHOD] [JSON | @FILE | - | ITEM ...] [OPTION ...]"

HELP: Final = f"""\
usage: {USAGE}

Send one request to the API, with a token from ISSUER, and print the response.

  python -m client parts                         a path below API_URL; or :3000/parts
  python -m client parts --all --csv -o parts.csv
  python -m client parts name==Bread sort==-id   query parameters
  python -m client parts post name=Bread modelNumber:=1
  python -m client parts/1 patch '{{"name": "Bread"}}' -v
  python -m client parts/upload post @parts.csv Idempotency-Key:load-1 --retries 3

items: NAME=TEXT, NAME:=JSON, NAME[SUB]=TEXT, NAME=@FILE, NAME==QUERY, HEADER:VALUE
options:
  -H, --header NAME:VALUE   send a header        --timeout SECONDS  for connect, read
  -v, --verbose   show the exchange on stderr    --retries N        safe or keyed only
  --offline       show the request, send none    --json-errors      problem on stdout
  --all           follow all pages               --insecure         token over http://
  --table, --csv, --ndjson  (default: JSON)      --version          print the version
  -o, --output FILE                              -h, --help         print this text
commands: {{commands}}; each has --help
settings: ISSUER, CLIENT_ID, CLIENT_SECRET, SCOPE, AUDIENCE, API_URL and TOKEN, from
  the environment, .env.local, .okta.env or .env of this folder. NO_COLOR: no colour.
exit codes: 0 success, 1 usage, 3 some imported rows rejected, 4 refused to send a
  token in clear, 5 network, 6 rejected by the issuer, 7 rejected by the API, 8 API
  failed, 9 unexpected response, 10 output, 11 settings, 12 source of an import,
  13 the same import is running, 14 all imported rows rejected, 130 interrupted
"""
