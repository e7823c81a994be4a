"""Eight writers with stale and fresh entity tags, over two servers: no update is ever lost.

1,500 steps on each database in the suite; 100,000 by ``make proofs``.
"""

import logging

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.proofs.full import amount
from tests.proofs.servers import ServerPair
from tests.proofs.writers import Tally, WriterMachine

_log = logging.getLogger("proofs")

pytestmark = pytest.mark.processes

STEPS = amount(1_500, 100_000)
STEPS_OF_A_RUN = 50
RUNS = 20
"""Between two looks at the number of steps."""


def test_no_update_is_lost(servers: ServerPair) -> None:
    tally = Tally()

    class Machine(WriterMachine):
        pass

    Machine.servers, Machine.tally = servers, tally
    while tally.steps < STEPS:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=RUNS,
                stateful_step_count=STEPS_OF_A_RUN,
                deadline=None,
                database=None,
                phases=(Phase.generate,),  # A race cannot be repeated, and so not shrunk.
                suppress_health_check=list(HealthCheck),
            ),
        )
    _log.info("%s: %s", servers.kind, tally)
    assert tally.written > STEPS / 10
    assert tally.refused > STEPS / 10
    servers.assert_no_failure()
