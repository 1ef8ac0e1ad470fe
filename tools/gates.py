# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every test and gate, and what it needs: gates.py TIER [NAME ...] runs those named of a tier, or all of it.

docs/testing.md tells what each tier promises."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cores
import fragments
import servers
from environments import make_own
from runner import Absent, Commands, Gate, run_gates
from work import CORES, ROOT, WORK

Command = Sequence[str]


def commands(*given: Command) -> Commands:
    """Commands that do not depend on what is in the collection."""
    return lambda _collection: iter(given)


def tool(name: str, *arguments: str) -> Command:
    """One of our own tools, as a process whose output goes to the log."""
    return [sys.executable, str(ROOT / "tools" / f"{name}.py"), *arguments]


def pytest(marks: str) -> Commands:
    """Integration and unit tests in one run, so that pytest's closing line counts them all. Two a core, since the longer ones
    wait for a device, a browser or a play. The long ones come first, and are handed out one by one."""
    workers = ("--numprocesses", str(2 * CORES), "--maxschedchunk", "2")
    times = ("--durations=100", "--durations-min=1")
    return commands(["pytest", "-m", marks, *workers, *times, "tests/integration", "tests/unit"])


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


def changelog_fragments(_collection: Path) -> Iterator[Command]:
    """It looks at the commits of our clone; the copy has none."""
    if reason := fragments.missing():
        raise Absent(reason)
    yield tool("fragments")


def docsite(_collection: Path) -> Iterator[Command]:
    """The site, in .work/site: our pages, and those that antsibull-docs makes of the plugins' and roles' documentation."""
    generate = ["antsibull-docs", "collection", "--use-current", "--fail-on-error", "--dest-dir", "docs"]
    yield [*generate, "--cleanup", "everything", "nendo.apple_mdm"]
    build = ["sphinx-build", "--quiet", "--fresh-env", "--write-all", "--fail-on-warning", "--keep-going"]
    yield [*build, "--jobs", "auto", "-c", "docs/docsite", "docs", str(WORK / "site")]


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


def units(name: str, release: str, folder: str | None = None) -> Gate:
    """The unit tests as ansible-test runs them: those of this folder, or all but those of the simulator, which knows nothing
    of Ansible. On the newest release our own run has them all."""

    def command(python: Path, collection: Path) -> Command:
        tests = sorted((collection / "tests" / "unit").glob("**/test_*.py"))
        named = [str(path.relative_to(collection)) for path in tests]
        chosen = [one for one in named if (f"/{folder}/" in one if folder else "/simulator/" not in one)]
        return cores.ansible_test("units", python, *chosen)

    return on_core(name, release, command)


RELEASES = list(cores.PYTHONS)
OLDEST, NEWEST = RELEASES[0], RELEASES[-1]
PREPARATIONS = [
    Gate("servers", go_servers),
    *(core(release) for release in RELEASES if cores.python_for(release)),
]
GATES = [
    sanity(NEWEST),
    units("modules", OLDEST, "modules"),
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
    Gate("fragments", changelog_fragments),
    Gate("docsite", docsite),
    Gate("mypy", mypy),
    Gate("ruff", commands(["ruff", "check", "."], ["ruff", "format", "--check", "."])),
]


# The tests come first: one gate at a time runs beside them
TIERS = {
    "test": [Gate("tests", pytest("not sweep"), counts_tests=True), *GATES],
    "gates": GATES,
    "sweep": [
        Gate("sweep", pytest("sweep"), counts_tests=True),
        *(units("units", release) for release in RELEASES),
        *(sanity(release) for release in RELEASES if release != NEWEST),
    ],
}


def main(tier: str, *names: str) -> int:
    """Runs the chosen gates after what they need."""
    known = {gate.name: gate for gate in TIERS[tier]}
    if unknown := sorted(set(names) - set(known)):
        sys.exit(f"No such gate: {', '.join(unknown)}. There are: {', '.join(known)}")
    chosen = [gate for name, gate in known.items() if name in names or not names]
    make_own()
    needed = {f"core-{gate.name.partition('-')[2]}" for gate in chosen}
    needed |= {"servers"} if any(gate.counts_tests for gate in chosen) else set()
    return run_gates([gate for gate in PREPARATIONS if gate.name in needed], chosen)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
