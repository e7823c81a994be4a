"""The command ``completion``: print the script of a shell."""

from typing import Final

from client.arguments import OnceArgumentParser
from client.completion.scripts import SCRIPTS
from client.completion.words import find_words
from client.environment import Environment
from client.exit_codes import ExitCode
from client.output.text import write_text
from encore.client.errors import UsageError

USAGE: Final = f"python -m client completion {'|'.join(SCRIPTS)}"

_HELP: Final = f"""\
usage: {USAGE}

Print a script that completes python -m client. Load it with:

  eval "$(python -m client completion bash)"            in ~/.bashrc
  eval "$(python -m client completion zsh)"             in ~/.zshrc, after compinit
  python -m client completion fish | source             in ~/.config/fish/config.fish

It completes commands, options, methods, and files after @ and --output, also of
.venv/bin/python -m client. Print it again after an upgrade.

options:
  -h, --help  print this text and exit"""


def run_completion(environment: Environment) -> ExitCode:
    """Print the script of a shell.

    Raises:
        UsageError: It is none of the known ones.
    """
    parser = OnceArgumentParser(
        prog="python -m client completion", usage=USAGE, add_help=False, allow_abbrev=False
    )
    parser.add_argument("shell", nargs="?")
    parser.add_argument("-h", "--help", action="store_true")
    parsed = parser.parse_args(environment.argv[1:])
    if parsed.help:
        return write_text(environment, _HELP)
    if parsed.shell not in SCRIPTS:
        raise UsageError(f"usage: {USAGE}")
    return write_text(environment, SCRIPTS[parsed.shell](find_words()).rstrip())
