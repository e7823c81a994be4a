"""Completion of ``python -m client`` in bash, zsh and fish.

argcomplete and shtab complete a command of one word by its argparse parser: ours are three words,
and of a request only the options are argparse's. The scripts are short, and take the options from
what each command says of itself, so that they list what this version has.
"""
