"""Regenerates the golden numbers of all tests: each `*_golden.py` of this folder, one after the other.

    python -m venv VENV && VENV/bin/pip install -r tooling/golden/requirements.txt
    VENV/bin/python tooling/golden/regenerate.py
"""

import pathlib
import subprocess
import sys

for script in sorted(pathlib.Path(__file__).parent.glob("*_golden.py")):
    print(script.name, flush=True)
    subprocess.run([sys.executable, str(script)], check=True)
