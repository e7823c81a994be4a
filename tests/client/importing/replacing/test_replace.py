"""``--replace`` against the real service: withdraws what the source no longer has, or nothing."""

import io
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
from dotenv import dotenv_values

from client.cli import main
from client.environment import Environment
from client.importing import Counts
from client.importing.state.checkpoint import Checkpoint
from tests.client.importing.conftest import RunResult
from tests.client.importing.network import BrokenNetwork
from tests.timesheets.conftest import ApiUsers, decide, read, session_users, users

__all__ = ["session_users", "users"]

HEADER = "user_id,date,project,hours"


class Replacing(NamedTuple):
    """Runs imports of one file into the service; reads what is stored."""

    users: ApiUsers
    directory: Path

    @property
    def export(self) -> Path:
        return self.directory / "export.csv"

    def write(self, *rows: str, header: str = HEADER) -> None:
        """Write the file."""
        self.export.write_text("".join(f"{line}\n" for line in (header, *rows)))

    def __call__(self, *argv: str | Path, **variables: str) -> RunResult:
        """Import the file with these arguments."""
        system = self.users.system
        credentials = dotenv_values(system.directory / ".env.local")
        environment = {
            "ISSUER": system.issuer,
            "CLIENT_ID": credentials["CLIENT_ID"] or "",
            "CLIENT_SECRET": credentials["CLIENT_SECRET"] or "",
            "IMPORT_URL": f"{system.url}/timesheets/upload",
        }
        out, err = io.StringIO(), io.StringIO()
        state = ("--state", str(self.directory / "state"))
        arguments = ["import", "timesheets", str(self.export), *map(str, argv), *state]
        code = main(
            Environment(
                arguments, environment | variables, str(self.directory), io.StringIO(), out, err
            )
        )
        return RunResult(code, out.getvalue(), err.getvalue())

    @property
    def reader(self) -> httpx.Client:
        return self.users.machine()

    def stored(self, field: str = "hours") -> list[Any]:
        """Return a field of all entries, in the order of their dates."""
        return [row[field] for row in read(self.reader, "/timesheets", sort="date", count=1000)]


@pytest.fixture
def replacing(users: ApiUsers, tmp_path: Path) -> Replacing:
    """Return an import of ten days of May, one hour more each, which are stored."""
    replacing = Replacing(users, tmp_path)
    replacing.write(*days(range(1, 11)))
    assert replacing().code == 0
    return replacing


def days(numbers: Any, **corrected: str) -> list[str]:
    """Return rows of days of May, with one hour for each day before; ``d5="8"`` corrects one."""
    return [f"ada,2017-05-{n:02},Apollo,{corrected.get(f'd{n}', n)}" for n in numbers]


def test_replace_corrected_row_does_not_stand_twice(replacing: Replacing) -> None:
    replacing.write(*days(range(1, 11), d5="5.25"))
    code, out, err = replacing("--replace")
    assert (code, out) == (0, "")
    assert "1 created, 0 updated, 9 unchanged, 0 rejected" in err
    assert "1 withdrawn from 2017-05-01 to 2017-05-10" in err
    assert replacing.stored() == [1, 2, 3, 4, 5.25, 6, 7, 8, 9, 10]
    assert (
        "0 created, 0 updated, 10 unchanged, 0 rejected, 0 withdrawn" in replacing("--replace").err
    )


def test_replace_leaves_what_is_outside_the_period_or_of_another_source(
    replacing: Replacing,
) -> None:
    other = replacing.directory / "other.toml"
    other.write_text('source = "other"')
    assert replacing("--mapping", other).code == 0
    replacing.write(*days(range(2, 9)))
    assert "0 withdrawn from 2017-05-02 to 2017-05-08" in replacing("--replace").err
    assert len(replacing.stored()) == 20


def test_replace_since_withdraws_from_that_day_on(replacing: Replacing) -> None:
    replacing.write(*days(range(1, 6)), *days(range(7, 11)))
    code, _, err = replacing("--replace", "--since", "2017-05-06")
    assert code == 0
    assert "4 unchanged, 0 rejected, 5 before 2017-05-06, 1 withdrawn from 2017-05-06" in err
    assert replacing.stored() == [1, 2, 3, 4, 5, 7, 8, 9, 10]


@pytest.mark.parametrize("option", [(), ("--dry-run",)])
def test_replace_with_row_rejected_by_mapping_writes_nothing(
    replacing: Replacing, option: tuple[str, ...]
) -> None:
    replacing.write(*days(range(1, 10), d5="x", d3="9"))
    path = replacing.directory / "bad.csv"
    code, _, err = replacing("--replace", "--rejected", path, *option)
    assert code == 14
    assert f"Nothing {'would be' if option else 'was'} replaced: 1 row rejected." in err
    assert path.read_text().splitlines()[1].startswith('6,"hours must be')
    assert replacing.stored() == list(range(1, 11))


@pytest.mark.parametrize("option", [(), ("--dry-run",)])
def test_replace_with_row_rejected_by_api_writes_nothing(
    replacing: Replacing, option: tuple[str, ...]
) -> None:
    replacing.write(*days(range(1, 10), d5="25", d3="9"))
    path = replacing.directory / "bad.csv"
    code, _, err = replacing("--replace", "--rejected", path, *option)
    assert code == 14
    assert "0 created, 0 updated, 0 unchanged, 1 rejected" in err
    assert f"Nothing {'would be' if option else 'was'} replaced: 1 row rejected." in err
    assert path.read_text().splitlines()[1].startswith("6,")
    assert replacing.stored() == list(range(1, 11))


def test_replace_keeps_approved_entries_and_counts_them(replacing: Replacing) -> None:
    approver = replacing.users.person("bob")
    (entry,) = read(replacing.reader, "/timesheets", date="2017-05-05T00:00:00.000Z")
    assert decide(approver, entry["id"]).status_code == 200
    replacing.write(*days(range(1, 5)), *days(range(6, 11)))
    code, _, err = replacing("--replace")
    assert code == 0
    assert (
        "0 withdrawn from 2017-05-01 to 2017-05-10, 1 kept, as they are approved or locked" in err
    )
    assert len(replacing.stored()) == 10


@pytest.mark.parametrize("option", [(), ("--dry-run",)])
def test_replace_of_half_a_file_is_refused_with_the_number(
    replacing: Replacing, option: tuple[str, ...]
) -> None:
    replacing.write(*days([1, 2, 3, 9, 10]))
    code, out, err = replacing("--replace", *option)
    assert code == 7
    assert "would withdraw 5 of the 10 entries" in err
    assert "MAX_REPLACED_PERCENT" in err
    assert "Nothing was replaced." in err
    assert ("2017-05-06" in out) == bool(option)
    assert len(replacing.stored()) == 10


def test_replace_dry_run_lists_what_would_be_withdrawn(replacing: Replacing) -> None:
    replacing.write(*days(range(1, 11), d5="5.25"))
    code, out, err = replacing("--replace", "--dry-run")
    assert code == 0
    assert "1 withdrawn from 2017-05-01" in err
    block = out.split("Would be withdrawn, as the source no longer has it")[1]
    assert [line.split()[1:] for line in block.splitlines()[3:]] == [
        ["2017-05-05", "ada", "Apollo", "5"]
    ]
    assert replacing.stored() == list(range(1, 11))


@pytest.mark.parametrize(
    ("header", "rows", "argv", "code", "words"),
    [
        (HEADER, [], (), 12, "The source has no rows"),
        (HEADER, days([1]), ("--since", "2017-06-01"), 12, "The source has no rows"),
        (f"{HEADER},source", ["ada,2017-05-01,A,1,a", "ada,2017-05-01,A,1,b"], (), 1, "one source"),
        (HEADER, days([1]), ("--batch-size", "5"), 1, "--replace and --batch-size exclude"),
        (HEADER, days([1]), ("--preview",), 1, "--preview and --replace exclude"),
        (
            "user_id,date,year,week,project,hours",
            ["ada,,2017,18,A,1", "ada,2017-05-02,,,A,1", "ada,2017-05-06,,,A,1"],
            ("--since", "2017-05-06"),
            1,
            "--since 2017-05-06 is within the week of a weekly entry",
        ),
    ],
)
def test_replace_that_has_no_clear_period_is_refused(
    replacing: Replacing,
    *,
    header: str,
    rows: list[str],
    argv: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    replacing.write(*rows, header=header)
    result = replacing("--replace", *argv)
    assert result.code == code
    assert words in result.err
    assert len(replacing.stored()) == 10


class CutAfter(Random):
    """Chooses where the network cuts: in the request (0) or in the response (1), after a byte."""

    def __init__(self, where: int) -> None:
        super().__init__()
        self._choices = cycle([where, 1])

    def choice(self, seq: Any) -> Any:
        return seq[next(self._choices)]

    def randrange(self, *_: Any) -> int:
        return 1


def upload_url(network: BrokenNetwork) -> str:
    return f"http://localhost:{network.port}/timesheets/upload"


@pytest.mark.parametrize(("where", "stored"), [(0, 5), (1, 5.25)])
def test_replace_after_a_cut_sends_the_same_request_again(
    replacing: Replacing, where: int, stored: float
) -> None:
    replacing.write(*days(range(1, 11), d5="5.25"))
    port = urlsplit(replacing.users.system.url).port or 0
    with BrokenNetwork(port, CutAfter(where), sent=1, received=1) as network:
        code, _, err = replacing("--replace", "--attempts", "2", "--url", upload_url(network))
        assert network.cuts == 2
    assert code == 5, err
    assert replacing.stored()[4] == stored
    code, _, err = replacing("--replace")
    assert code == 0
    assert "1 created, 0 updated, 9 unchanged, 0 rejected, 1 withdrawn" in err
    assert replacing.stored() == [1, 2, 3, 4, 5.25, 6, 7, 8, 9, 10]
    assert "0 created, 0 updated, 10 unchanged" in replacing("--replace").err


def test_replace_through_a_broken_network_happens_once(replacing: Replacing) -> None:
    replacing.write(*days(range(1, 11), d5="5.25"))
    port = urlsplit(replacing.users.system.url).port or 0
    with BrokenNetwork(port, Random(14), sent=2000, received=1500) as network:
        code, _, err = replacing("--replace", "--attempts", "200", "--url", upload_url(network))
        assert network.cuts > 0
    assert code == 0
    assert "1 created, 0 updated, 9 unchanged, 0 rejected, 1 withdrawn" in err


def test_replace_after_an_unfinished_import_sends_all_rows(replacing: Replacing) -> None:
    replacing.write(*days(range(1, 11), d5="5.25"))
    checkpoint = Checkpoint(position=3, fingerprint="x", counts=Counts(created=3))
    (replacing.directory / "state" / "export.csv.json").write_text(checkpoint.to_json())
    code, _, err = replacing("--replace")
    assert code == 0
    assert "An earlier import was not finished: all rows are sent again." in err
    assert "1 created, 0 updated, 9 unchanged, 0 rejected, 1 withdrawn" in err


def test_replace_in_wrong_date_order_is_refused(replacing: Replacing) -> None:
    mapping = replacing.directory / "m.toml"
    mapping.write_text('date_format = "%m/%d/%Y"')
    replacing.write(*(f"ada,{n:02}/05/2017,A,1" for n in range(1, 32)))
    code, _, err = replacing("--replace", "--mapping", mapping)
    assert code == 11
    assert "Nothing was replaced." in err


def test_replace_counts_weekly_entries_by_their_thursday(replacing: Replacing) -> None:
    header = "user_id,date,year,week,project,hours"
    replacing.write("ada,,2017,20,A,30", "ada,2017-05-15,,,A,2", header=header)
    assert replacing().code == 0
    replacing.write("ada,,2017,20,A,30", "ada,2017-05-15,,,A,3", header=header)
    code, _, err = replacing("--replace")
    assert code == 7  # 1 of 2.
    assert (
        "would withdraw 1 of the 2 entries that export.csv has from 2017-05-15 to 2017-05-18" in err
    )


def test_replace_of_source_with_ids_withdraws_what_is_deleted_there(replacing: Replacing) -> None:
    header = f"{HEADER},external_id"
    mapping = replacing.directory / "ids.toml"
    mapping.write_text('source = "with ids"')
    rows = [f"{row},E{n}" for n, row in enumerate(days(range(1, 11)))]
    replacing.write(*rows, header=header)
    assert replacing("--mapping", mapping).code == 0
    rows[3] = rows[3].replace(",4,", ",4.5,")
    replacing.write(*rows[:5], *rows[6:], header=header)
    err = replacing("--mapping", mapping, "--replace").err
    assert "0 created, 1 updated, 8 unchanged, 0 rejected, 1 withdrawn" in err
