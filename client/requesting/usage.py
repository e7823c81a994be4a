"""The texts of ``--help`` and of usage errors, written by hand to fit on one screen."""

from typing import Final

PROGRAM: Final = "python -m client"

USAGE: Final = "python -m client URL [METHOD] [JSON | @FILE | - | ITEM ...] [OPTION ...]"

HELP: Final = f"""\
usage: {USAGE}

Send one request to the API, with a token, and print the response.

  python -m client parts                       a path below API_URL; :3000/parts
  python -m client parts name==Bread sort==-id      query parameters
  python -m client parts --all --csv -o parts.csv
  python -m client parts post name=Bread modelNumber:=1
  python -m client parts/1 patch '{{"name": "Rye"}}'  or @FILE, or - for stdin
  python -m client parts/upload post @parts.csv Idempotency-Key:a --retries 3

items: NAME=TEXT, NAME:=JSON, NAME[SUB]=TEXT, NAME[]=TEXT, NAME=@FILE: the body;
  NAME==TEXT: the query; NAME:VALUE: a header

  -H, --header NAME:VALUE  send a header    --timeout SECONDS  connect, read
  -v, --verbose      show the exchange      --retries N        if safe, or keyed
  --offline          show the request only  --json-errors      errors on stdout
  --all              follow all pages       --insecure         allow http://
  --table, --csv, --ndjson                  --version
  -o, --output FILE                         -h, --help

{{commands}}
settings: ISSUER, CLIENT_ID, CLIENT_SECRET, SCOPE, AUDIENCE, API_URL, from the
  environment, .env.local, .okta.env, .env; TOKEN, NO_COLOR from the environment
exit codes: 0 success, 1 usage, 3 some imported rows rejected, 4 refused to send
  a token in clear, 5 network, 6 rejected by the issuer, 7 rejected by the API,
  8 API failed, 9 unexpected response, 10 output, 11 settings, 12 source of an
  import, 13 the same import is running, 14 all imported rows rejected,
  15 generated code differs, 130 interrupted
"""
