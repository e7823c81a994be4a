"""The users of the development issuer that this repository ships."""

import pytest

from api.app import create_service
from encore.server.development_users import read_users
from tests.fixtures.system import ROOT


def test_shipped_file_has_a_manager_and_two_contractors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    grace, *contractors = read_users({})
    assert grace.allows("approve:timesheets")
    assert grace.allows("parts_manager")
    assert [user.name for user in contractors] == ["ada", "bob"]
    known = create_service().scopes()
    for user in contractors:
        assert set(user.scopes or ()) <= known
        assert user.allows("create:timesheets")
        assert not user.allows("approve:timesheets")
