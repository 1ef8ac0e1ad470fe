# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names the commits since the last release that change what ships without a word for the changelog: fragments.py.

The last release is the last commit that changed changelogs/changelog.yaml. Commits that do not know this rule yet, since
they do not descend from the one that brought it, are not asked.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from work import ROOT

SHIPPED = ("meta/", "playbooks/", "plugins/", "requirements.txt", "roles/")
FRAGMENTS = "changelogs/fragments/"
RELEASES = "changelogs/changelog.yaml"
RULE = "tools/fragments.py"
CURE = (
    f"Add {FRAGMENTS}<issue>-<topic>.yml, with an entry under `trivial` where users notice nothing. If the commit is public "
    "already, do it in a later commit whose message holds the earlier one's hash. See CONTRIBUTING.md."
)


def git(root: Path, *arguments: str) -> str:
    """What git answers; a CalledProcessError if it refuses."""
    command = ["git", "-C", str(root), "-c", "log.showSignature=false", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def missing(root: Path = ROOT) -> str | None:
    """Why nothing can be said here, or None."""
    if shutil.which("git") is None:
        return "git is not installed"
    if not (root / ".git").exists():
        return "this is no clone of the repository, so there are no commits to look at"
    try:
        shallow = git(root, "rev-parse", "--is-shallow-repository").strip() == "true"
    except subprocess.CalledProcessError as error:
        return f"git cannot read the clone: {error.stderr.strip()}"
    if shallow and not _is_whole_since_the_release(root):
        return "the clone is shallow; fetch the history: git fetch --unshallow"
    return None


def without_fragment(root: Path = ROOT) -> list[str]:
    """A line for each commit that changes what ships and says nothing to the changelog; uncommitted work is one more."""
    asked = _commits_since_the_release(root)
    told = git(root, "log", "--format=%B", "HEAD", "--", FRAGMENTS)
    found = [commit for commit in asked if _is_silent(_changes(root, commit)) and commit[:7] not in told]
    lines = [git(root, "show", "--no-patch", "--format=%h %s", commit).strip() for commit in found]
    return [*lines, "what is not committed yet"] if _is_silent(_uncommitted(root)) else lines


def _is_silent(changes: Iterable[tuple[str, str]]) -> bool:
    """Whether they touch what ships and bring no fragment. A fragment that is deleted tells nobody anything."""
    listed = list(changes)
    ships = any(path.startswith(SHIPPED) for _kind, path in listed)
    return ships and not any(path.startswith(FRAGMENTS) and kind != "D" for kind, path in listed)


def _commits_since_the_release(root: Path) -> list[str]:
    """Oldest first, without merges, which bring nothing of their own."""
    rule, release = _rule(root), _release(root)
    if rule is None:
        return []
    listed = git(root, "rev-list", "--reverse", "--no-merges", "HEAD", *([f"^{release}"] if release else ())).split()
    knowing = set(git(root, "rev-list", "--ancestry-path", f"{rule}..HEAD").split())
    return [commit for commit in listed if commit in knowing]


def _release(root: Path) -> str | None:
    return git(root, "log", "-1", "--format=%H", "--", RELEASES).strip() or None


def _rule(root: Path) -> str | None:
    """The commit that brought this file."""
    found = git(root, "log", "--diff-filter=A", "--format=%H", "--", RULE).split()
    return found[0] if found else None


def _is_whole_since_the_release(root: Path) -> bool:
    """Whether a shallow clone holds all that is looked at. Its oldest commits seem to add every file there is."""
    oldest = root / git(root, "rev-parse", "--git-path", "shallow").strip()
    return bool({_rule(root), _release(root)} - set(oldest.read_text().split()))


def _changes(root: Path, commit: str) -> Iterator[tuple[str, str]]:
    """A letter (A, M, D) and a path for each file."""
    return _pairs(
        git(root, "diff-tree", "-r", "-z", "--root", "--no-commit-id", "--no-renames", "--name-status", commit)
    )


def _uncommitted(root: Path) -> Iterator[tuple[str, str]]:
    yield from _pairs(git(root, "diff", "-z", "--no-renames", "--name-status", "HEAD"))
    others = git(root, "ls-files", "-z", "--others", "--exclude-standard")
    yield from (("A", path) for path in others.split("\0") if path)


def _pairs(listed: str) -> Iterator[tuple[str, str]]:
    fields = listed.split("\0")
    return zip(fields[0::2], fields[1::2], strict=False)


def main() -> int:
    if reason := missing():
        print(f"Skipped: {reason}.")
        return 0
    silent = without_fragment()
    for line in silent:
        print(f"No changelog fragment: {line}")
    if silent:
        print(CURE)
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())
