"""How many files a server may have open."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import resource
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
from minik8s.server.serving import raise_file_limit
raise_file_limit()
soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
print(soft == hard)
"""


def test_a_server_opens_as_many_files_as_it_may() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "True\n", done.stderr
