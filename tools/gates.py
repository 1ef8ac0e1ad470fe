# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every test and gate, and what it needs: gates.py [NAME ...] runs those named, or all; --quick all but the tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cores
import servers
from environments import make_own
from runner import Absent, Commands, Gate, run_gates
from work import ROOT, WORK

Command = Sequence[str]


def commands(*given: Command) -> Commands:
    """Commands that do not depend on what is in the collection."""
    return lambda _collection: iter(given)


def tool(name: str, *arguments: str) -> Command:
    """One of our own tools, as a process whose output goes to the log."""
    return [sys.executable, str(ROOT / "tools" / f"{name}.py"), *arguments]


def pytest(collection: Path) -> Iterator[Command]:
    """Unit and integration tests in one run, so that pytest's closing line counts them all."""
    folders = [folder for folder in ("tests/unit", "tests/integration") if (collection / folder).is_dir()]
    yield ["pytest", "--numprocesses", "2", *folders]


def go_servers(_collection: Path) -> Iterator[Command]:
    """The real MDM servers."""
    if not servers.go_is_here():
        raise Absent("Go is not installed, so the tests against the real MDM servers are skipped")
    yield tool("servers")


def molecule(collection: Path) -> Iterator[Command]:
    """Every scenario; reset first, because after a failed destroy molecule would silently skip create."""
    if not (collection / "extensions" / "molecule").is_dir():
        raise Absent("there are no scenarios in extensions/molecule")
    for act in ("reset", "test"):
        yield ["molecule", act, "--all"]


def galaxy(_collection: Path) -> Iterator[Command]:
    """The archive that Galaxy would get, judged by Galaxy's importer."""
    built = WORK / "galaxy"
    yield ["ansible-galaxy", "collection", "build", "--force", "--output-path", str(built)]
    archive = max(built.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    yield ["python", "-m", "galaxy_importer.main", str(archive)]


def mypy(collection: Path) -> Iterator[Command]:
    """The collection under its full name, as the tests import it, then the tools."""
    packages = [f"--package=ansible_collections.nendo.apple_mdm.{name}" for name in ("plugins", "tests")]
    yield ["env", "PYTHONPATH=", f"MYPYPATH={collection.parents[2]}", "mypy", *packages]
    yield ["env", "PYTHONPATH=", f"MYPYPATH=tools:{collection.parents[2]}", "mypy", "tools"]


def on_core(name: str, release: str, command: Callable[[Path, Path], Command]) -> Gate:
    """A gate on one release of ansible-core, which is absent when no Python here can run it. command: of the interpreter and
    the collection."""

    def commands(collection: Path) -> Iterator[Command]:
        python = cores.python_for(release)
        if python is None:
            raise Absent(f"ansible-core {release} needs Python {' or '.join(cores.PYTHONS[release])}")
        yield command(python, collection)

    return Gate(f"{name}-{release}", commands, venv=cores.folder(release), home=f"core-{release}")


def core(release: str) -> Gate:
    """The release itself, which its other gates need."""
    return on_core("core", release, lambda python, _collection: tool("cores", release, str(python)))


def sanity(release: str) -> Gate:
    return on_core("sanity", release, lambda python, _collection: cores.ansible_test("sanity", python))


def units(release: str) -> Gate:
    """The unit tests as ansible-test runs them, but those of the simulator, which knows nothing of Ansible."""

    def command(python: Path, collection: Path) -> Command:
        tests = sorted((collection / "tests" / "unit").glob("**/test_*.py"))
        named = [str(path.relative_to(collection)) for path in tests]
        return cores.ansible_test("units", python, *(name for name in named if "/simulator/" not in name))

    return on_core("units", release, command)


RELEASES = list(cores.PYTHONS)
PREPARATIONS = [
    Gate("servers", go_servers),
    *(core(release) for release in RELEASES if cores.python_for(release)),
]
TESTS = [Gate("tests", pytest, counts_tests=True)]
GATES = [
    *(sanity(release) for release in RELEASES),
    *(units(release) for release in RELEASES),
    Gate("molecule", molecule, home="molecule"),
    Gate(
        "galaxy",
        galaxy,
        home="galaxy",
        variables={"GALAXY_IMPORTER_CONFIG": str(ROOT / "tools" / "galaxy-importer.cfg")},
    ),
    Gate("lint", commands(["ansible-lint", "--offline", "--profile", "production"]), home="lint"),
    Gate("docs", commands(["antsibull-docs", "lint-collection-docs", "--plugin-docs", "."])),
    Gate("changelog", commands(["antsibull-changelog", "lint"])),
    Gate("mypy", mypy),
    Gate("ruff", commands(["ruff", "check", "."], ["ruff", "format", "--check", "."])),
]


def main(names: Sequence[str]) -> int:
    """Runs the chosen gates after what they need."""
    known = [gate.name for gate in (*TESTS, *GATES)]
    chosen = [gate.name for gate in GATES] if names == ["--quick"] else list(names) or known
    if unknown := sorted(set(chosen) - set(known)):
        sys.exit(f"No such gate: {', '.join(unknown)}. There are: {', '.join(known)}")
    make_own()
    needed = {f"core-{name.partition('-')[2]}" for name in chosen} | ({"servers"} if "tests" in chosen else set())
    stages = ([gate for gate in PREPARATIONS if gate.name in needed], TESTS, GATES)
    return run_gates(*([gate for gate in stage if gate.name in {*chosen, *needed}] for stage in stages))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
