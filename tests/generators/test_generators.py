"""Clients generated from the service's document do what their users expect, against the service.

Each program in ``programs/`` is compiled with the generated code: TypeScript by tsc, Python by
mypy. Then it creates, reads, changes and deletes, alone and in bulk, and gets typed errors.
"""

import json
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.fixtures.console import API
from tests.fixtures.pages import DOCS, code_blocks
from tests.generators.tools import (
    PROGRAMS,
    link_packages,
    require_java,
    run_node,
    run_npm_tool,
    run_python,
    run_python_tool,
)

_PAGE: Final = DOCS / "how-to" / "generate-clients.md"
_POSTMAN: Final = "parametersResolution=Example,enableOptionalParameters=false"
"""The choices in Postman's import dialog: examples instead of types, and no optional parameters."""

pytestmark = pytest.mark.processes

_EXTENSION: Final = "--additional-properties=importFileExtension=.js"
_TSCONFIG: Final = {
    "compilerOptions": {
        "target": "es2022",
        "module": "es2022",
        "moduleResolution": "bundler",
        "lib": ["es2022", "dom"],
        "types": ["node"],
        "strict": True,
        "outDir": "js",
        "skipLibCheck": True,  # Of the packages' declarations; generated code is no library.
    },
    "include": ["*.ts", "client/**/*.ts"],
}


def test_openapi_python_client(document: Path, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("post_hooks: []\n")
    run_python_tool(
        "openapi-python-client",
        *("generate", "--path", str(document), "--meta", "none", "--config", "config.yaml"),
        *("--output-path", "encore_api"),
        cwd=tmp_path,
    )
    program = _copy("openapi_python_client.py", tmp_path / "main.py")
    page = _copy_of_page("py", 0, tmp_path, environment)
    run_python_tool("mypy", "main.py", "page.py", "encore_api", cwd=tmp_path)
    run_python(program, environment)
    run_python(page, environment)


def test_openapi_generator_for_python(
    document: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    _generate("python", document, tmp_path, "--package-name", "encore_client", "--output", ".")
    program = _copy("openapi_generator.py", tmp_path / "main.py")
    page = _copy_of_page("py", 1, tmp_path, environment)
    # Its own code has a TypedDict with one key twice where a scheme has several flows.
    run_python_tool("mypy", "--follow-imports", "silent", "main.py", "page.py", cwd=tmp_path)
    run_python(program, environment)
    run_python(page, environment)


def test_openapi_generator_for_typescript(
    document: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    _generate("typescript-fetch", document, tmp_path, _EXTENSION, "--output", "client")
    _copy("typescript_fetch.ts", tmp_path / "main.ts")
    _copy_of_page("ts", 0, tmp_path, environment)
    _run_typescript(tmp_path, environment)


def test_openapi_typescript(document: Path, environment: dict[str, str], tmp_path: Path) -> None:
    run_npm_tool("openapi-typescript", str(document), "--output", "schema.ts", cwd=tmp_path)
    _copy("openapi_typescript.ts", tmp_path / "main.ts")
    _copy_of_page("ts", 1, tmp_path, environment)
    _run_typescript(tmp_path, environment)


def test_commands_of_the_page_are_those_of_these_tests() -> None:
    commands = " ".join(text for _, text in code_blocks(_PAGE, "sh"))
    assert _POSTMAN in commands
    for words in ("--meta none", "--package-name encore_client", _EXTENSION, "--output schema.ts"):
        assert words in commands


def test_postman(document: Path, environment: dict[str, str], tmp_path: Path) -> None:
    files = ("--spec", str(document), "--output", "all.json")
    run_npm_tool("openapi2postmanv2", *files, "--options", _POSTMAN, cwd=tmp_path)
    link_packages(tmp_path)
    program = _copy("postman.cjs", tmp_path / "main.cjs")
    run_node(program, {**environment, "COLLECTION": str(tmp_path / "all.json")})


def _generate(generator: str, document: Path, folder: Path, *arguments: str) -> None:
    require_java()
    source = ("--input-spec", str(document), "--generator-name", generator)
    run_python_tool("openapi-generator-cli", "generate", *source, *arguments, cwd=folder)


def _run_typescript(folder: Path, environment: dict[str, str]) -> None:
    """Compile the programs of a folder and run them."""
    (folder / "tsconfig.json").write_text(json.dumps(_TSCONFIG))
    (folder / "package.json").write_text('{"type": "module"}')
    link_packages(folder)
    run_npm_tool("tsc", "--project", "tsconfig.json", cwd=folder)
    for name in ("main.js", "page.js"):
        run_node(folder / "js" / name, environment)


def _copy_of_page(language: str, index: int, folder: Path, environment: dict[str, str]) -> Path:
    """Write a program of the how-to page to a file, with the URL of the running service."""
    programs = [text for _, text in code_blocks(_PAGE, language)]
    target = folder / f"page.{language}"
    target.write_text(programs[index].replace(API, environment["API_URL"]))
    return target


def _copy(program: str, target: Path) -> Path:
    shutil.copyfile(PROGRAMS / program, target)
    return target
