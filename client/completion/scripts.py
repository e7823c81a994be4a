"""The scripts of the shells.

Each completes ``python -m client`` by a completion of ``python``, and leaves every other call of
Python to the one that was there.
"""

from collections.abc import Callable, Mapping
from typing import Final

from client.completion.words import FILE_OPTIONS, METHODS, VALUE_OPTIONS, Words

PYTHONS: Final = "python python3"


def bash_script(words: Words) -> str:
    """Return the script of bash."""
    cases = "\n".join(
        f"        {word}) words='{' '.join(options)}' ;;" for word, options in words.options.items()
    )
    return f"""\
# Completion of python -m client. Load it with: eval "$(python -m client completion bash)"
for _encore_loader in _comp_load _completion_loader; do
    declare -F "$_encore_loader" >/dev/null && {{ "$_encore_loader" python; break; }}
done 2>/dev/null
_encore_previous=$(complete -p python 2>/dev/null | sed -n 's/.* -F \\([^ ]*\\) .*/\\1/p')
[[ $_encore_previous == _encore_client ]] && _encore_previous=
_encore_client() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} words
    COMPREPLY=()
    if (( COMP_CWORD < 3 )) || [[ "${{COMP_WORDS[1]}} ${{COMP_WORDS[2]}}" != "-m client" ]]; then
        if [[ -n $_encore_previous ]]; then "$_encore_previous" "$@"
        else compopt -o default 2>/dev/null; fi
        return
    fi
    case $prev in
        {"|".join(FILE_OPTIONS)}|@) compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        {"|".join(VALUE_OPTIONS)}) return ;;
    esac
    case ${{COMP_WORDS[3]}} in
{cases}
        completion) words='bash zsh fish' ;;
        *) words='{" ".join(words.request)}' ;;
    esac
    if (( COMP_CWORD == 3 )); then
        [[ $cur == -* ]] || words='{" ".join(words.commands)}'
    elif [[ $cur == @ || $cur == @* ]]; then
        compopt -o filenames 2>/dev/null
        local files=()
        mapfile -t files < <(compgen -f -- "${{cur#@}}")
        # Bash takes @ for a word of its own, unless COMP_WORDBREAKS lacks it.
        [[ $cur == @ && $COMP_WORDBREAKS == *@* ]] || files=("${{files[@]/#/@}}")
        COMPREPLY=("${{files[@]}}")
        return
    elif [[ $cur != -* && ${{COMP_WORDS[3]}} != completion ]]; then
        case ${{COMP_WORDS[3]}} in
            {"|".join(words.options)}) compopt -o default 2>/dev/null; return ;;
        esac
        (( COMP_CWORD == 4 )) && words='{" ".join(METHODS)}' || words=
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}}
complete -F _encore_client {PYTHONS}
"""


def zsh_script(words: Words) -> str:
    """Return the script of zsh."""
    commands = "\n".join(
        f"            '{word}:{_quoted(summary)}'" for word, summary in words.commands.items()
    )
    cases = "\n".join(
        f"        {word}) options=({' '.join(options)}) ;;"
        for word, options in words.options.items()
    )
    return f"""\
# Completion of python -m client. Load it after compinit: eval "$(python -m client completion zsh)"
_encore_client() {{
    if (( CURRENT < 4 )) || [[ "${{words[2]}} ${{words[3]}}" != "-m client" ]]; then
        if (( $+functions[_python] )) || autoload +X -Uz _python 2>/dev/null; then _python "$@"
        else _files; fi
        return
    fi
    local -a options commands
    case ${{words[CURRENT-1]}} in
        {"|".join(FILE_OPTIONS)}) _files; return ;;
        {"|".join(VALUE_OPTIONS)}) return ;;
    esac
    case ${{words[4]}} in
{cases}
        completion) compadd -- bash zsh fish; return ;;
        *) options=({" ".join(words.request)}) ;;
    esac
    if [[ ${{words[CURRENT]}} == -* ]]; then
        compadd -- $options
    elif (( CURRENT == 4 )); then
        commands=(
{commands}
        )
        _describe command commands
    elif [[ ${{words[CURRENT]}} == @* ]]; then
        compset -P '@'
        _files
    else
        case ${{words[4]}} in
            {"|".join(words.options)}) _files ;;
            *) (( CURRENT == 5 )) && compadd -- {" ".join(METHODS)} ;;
        esac
    fi
}}
compdef _encore_client {PYTHONS}
"""


def fish_script(words: Words) -> str:
    """Return the script of fish."""
    lines = [
        "# Completion of python -m client. Load it with: python -m client completion fish | source",
        "function __encore_client",
        "    set -l words (commandline -opc)",
        '    test (count $words) -ge 3; and test "$words[2] $words[3]" = "-m client"; or return 1',
        "    switch $argv[1]",
        "        case first; test (count $words) -eq 3",
        '        case method; test (count $words) -eq 4; and not contains -- "$words[4]" '
        + " ".join(words.commands),
        '        case request; not contains -- "$words[4]" ' + " ".join(words.commands),
        "        case files; string match -q -- '@*' (commandline -ct)",
        '        case "*"; test "$words[4]" = $argv[1]',
        "    end",
        "end",
        "function __encore_client_files",
        """    complete -C "'' "(string sub -s 2 -- (commandline -ct)) | string replace -r '^' @""",
        "end",
        "for python in " + PYTHONS,
        "    complete -c $python -n '__encore_client request' -f",
        "    complete -c $python -n '__encore_client completion' -f -a 'bash zsh fish'",
        f"    complete -c $python -n '__encore_client method' -a '{' '.join(METHODS)}'",
        "    complete -c $python -n '__encore_client files' -a '(__encore_client_files)'",
    ]
    for word, summary in words.commands.items():
        lines.append(
            f"    complete -c $python -n '__encore_client first' -a {word} -d '{_quoted(summary)}'"
        )
    lines += [_fish_option("request", name) for name in words.request]
    for word, options in words.options.items():
        lines += [_fish_option(word, name) for name in options]
    return "\n".join([*lines, "end", ""])


def _fish_option(condition: str, name: str) -> str:
    """Return the line of an option; one of a request may have a value."""
    is_request = condition == "request"
    value = " -r -F" if name in FILE_OPTIONS else " -x" if name in VALUE_OPTIONS else ""
    kind = "-l" if name.startswith("--") else "-s"
    return (
        f"    complete -c $python -n '__encore_client {condition}' {kind} {name.lstrip('-')}"
        f"{value if is_request else ''}"
    )


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "").replace(":", " -")


SCRIPTS: Final[Mapping[str, Callable[[Words], str]]] = {
    "bash": bash_script,
    "zsh": zsh_script,
    "fish": fish_script,
}
"""The scripts by shell."""
