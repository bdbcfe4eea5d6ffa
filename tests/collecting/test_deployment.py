"""The files in `deploy/collect`: they parse, are careful, and name commands that exist."""

import json
import re
import shlex
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
import typer

from pluralign.cli.main import app
from pluralign.collecting.app import _for_machines

yaml = pytest.importorskip("yaml")
DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "collect"
UNITS = sorted(path.name for path in DEPLOY.glob("pluralign-collect*"))
_COLLECT = typer.main.get_command(app).commands["collect"].loaded.commands


def _check_command(arguments: list[str]) -> None:
    """Check that a command of `pluralign collect` exists and takes these arguments."""
    name, *rest = arguments
    _COLLECT[name].make_context(name, list(rest))


def _dockerfile() -> dict[str, list[str]]:
    """The values of each instruction of the Dockerfile."""
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.strip() and not line.startswith("#"):
            instruction, value = line.split(maxsplit=1)
            found.setdefault(instruction, []).append(value)
    return found


def _unit(name: str) -> dict[str, dict[str, str]]:
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((DEPLOY / name).read_text(encoding="utf-8"))
    return {section: dict(parser[section]) for section in parser.sections()}


def test_the_image_runs_an_existing_command_as_a_user_without_rights_and_checks_its_health():
    found = _dockerfile()
    assert found["USER"] == ["pluralign"]
    assert json.loads(found["ENTRYPOINT"][0]) == ["pluralign", "collect"]
    _check_command(json.loads(found["CMD"][0]))
    [health] = found["HEALTHCHECK"]
    asked = re.search(r"127\.0\.0\.1:8000(/\w+)", health)
    assert asked is not None
    assert asked[1] in {route.path for route in _for_machines.routes}


def test_the_services_start_an_existing_command_behind_the_proxy_alone():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    _check_command(services["study"]["command"])
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert services["database"]["networks"] == ["inside"]
    assert services["study"]["depends_on"]["database"]["condition"] == "service_healthy"
    port = json.loads(_dockerfile()["EXPOSE"][0])
    assert f"reverse_proxy study:{port}" in (DEPLOY / "Caddyfile").read_text(encoding="utf-8")


def test_no_file_has_a_password():
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"PASSWORD: (.*)", text)) == {"${DATABASE_PASSWORD:?write it into .env}"}


@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".service")])
def test_a_unit_starts_an_existing_command_and_can_write_to_its_own_folders_only(name):
    service = _unit(name)["Service"]
    program, group, *arguments = shlex.split(service["ExecStart"])
    assert (Path(program).name, group) == ("pluralign", "collect")
    _check_command(arguments)
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["User"] not in ("", "root")
    writable = ("/var/lib/pluralign", "/var/backups/pluralign")
    assert all(path.startswith(writable) for path in arguments if path.startswith("/"))


@pytest.mark.parametrize(("name", "when"), [("backup", "hourly"), ("withdraw", "daily")])
def test_a_timer_starts_the_service_of_its_name(name, when):
    assert f"pluralign-collect-{name}.service" in UNITS
    timer = _unit(f"pluralign-collect-{name}.timer")
    assert timer["Timer"]["OnCalendar"] == when
    assert timer["Install"]["WantedBy"] == "timers.target"
    started = (DEPLOY / "pluralign-collect.service").read_text(encoding="utf-8")
    assert f"pluralign-collect-{name}.timer" in started


def test_the_nightly_withdrawal_finishes_what_is_pending():
    arguments = shlex.split(_unit("pluralign-collect-withdraw.service")["Service"]["ExecStart"])
    assert arguments[2:3] == ["withdraw"]
    assert "--pending" in arguments


@pytest.mark.parametrize("name", UNITS)
def test_systemd_accepts_the_units(name):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(
        [analyze, "verify", str(DEPLOY / name)], capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stderr.splitlines() if name in line]
    assert [line for line in lines if "is not executable" not in line] == []
