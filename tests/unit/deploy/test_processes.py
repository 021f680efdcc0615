"""Real children (`sleep`), since the point is what the system says about them."""

import json
import os
import signal
import subprocess

import pytest

from deploy.embedded.errors import StartFailed
from deploy.embedded.processes import Processes, is_running, wait_until_ready
from deploy.embedded.progress import Silent


@pytest.fixture
def processes(tmp_path):
    processes = Processes(tmp_path)
    yield processes
    for record in (tmp_path / "run").glob("*.json"):
        if process := processes.find(record.stem):
            processes.stop(process)


@pytest.fixture
def start(processes, tmp_path):
    def start(*command):
        return processes.start("child", command, environment=dict(os.environ), cwd=tmp_path)

    return start


def test_running_child_is_found_by_a_later_run(start, tmp_path):
    process = start("sleep", "60")
    assert Processes(tmp_path).find("child") == process


def test_child_leads_its_own_session(start):
    process = start("sleep", "60")
    assert os.getsid(process.pid) == process.pid != os.getsid(0)


def test_stop_ends_the_child_and_forgets_it(start, processes, tmp_path):
    process = start("sleep", "60")
    processes.stop(process)
    assert not is_running(process)
    assert not (tmp_path / "run" / "child.json").exists()


def test_stop_kills_a_child_that_does_not_listen(start, processes):
    process = start("sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done")
    while "deaf" not in process.log.read_text():
        pass
    processes.stop(process, patience=0.05)
    assert not is_running(process)


def test_dead_child_is_not_found_and_its_record_removed(start, processes, tmp_path):
    process = start("sleep", "60")
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert processes.find("child") is None
    assert not (tmp_path / "run" / "child.json").exists()


def test_reused_pid_is_not_ours_and_is_left_alone(processes, tmp_path):
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        record = {"pid": stranger.pid, "began": "another boot:1", "command": ["postgres"]}
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "child.json").write_text(json.dumps(record))
        assert processes.find("child") is None
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_half_written_record_is_removed(processes, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "child.json").write_text('{"pid": 1')
    assert processes.find("child") is None
    assert not (tmp_path / "run" / "child.json").exists()


def test_child_that_dies_while_starting_is_reported_with_its_log(start):
    process = start("sh", "-c", "echo no space left; exit 1")
    with Silent().step("Starting") as step, pytest.raises(StartFailed, match="no space left"):
        wait_until_ready(process, lambda: False, timeout=5, step=step, waiting_for="it")


def test_child_that_never_gets_ready_is_reported(start):
    process = start("sleep", "60")
    with Silent().step("Starting") as step, pytest.raises(StartFailed, match="not ready after 0 s"):
        wait_until_ready(process, lambda: False, timeout=0, step=step, waiting_for="it")
