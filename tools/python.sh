#!/bin/sh
# Runs a Python program with the first Python on this machine that is 3.11 or newer and can make virtual environments.
bare=""
for minor in 13 12 14 11 ""; do
    for python in "python3${minor:+.$minor}" "$HOME"/.pyenv/versions/3."${minor:-1[1-9]}".*/bin/python3; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        "$python" -c 'import ensurepip, venv' 2>/dev/null && exec "$python" "$@"
        bare=$python
    done
done
if [ -n "$bare" ]; then
    echo "$("$bare" --version) has no venv module, which the tools need. On Debian and Ubuntu: sudo apt-get install python3-venv" >&2
else
    echo "There is no Python 3.11 or newer here. Debian and Ubuntu: sudo apt-get install python3 python3-venv; macOS: brew install python@3.13" >&2
fi
exit 1
