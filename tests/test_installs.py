"""What a wheel holds, and that it works away from the checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import zipfile

import pytest

from benchmarks.installs import build, trial


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build(tmp_path_factory.mktemp("dist"), isolated=False)


def test_the_wheel_is_under_sixty_megabytes_and_holds_models_page_and_types(built):
    _, wheel = built
    assert wheel.stat().st_size < 60e6
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"ddad", f"{wheel.name.split('-py3')[0]}.dist-info"}, "names that are anybody's"
    for name in ("py.typed", "page/app.py", "page/demo/web/dom.js", "checkpoints/cookie/ddad.json"):
        assert f"ddad/{name}" in names
    assert not [n for n in names if n.endswith((".test.js", ".pyc")) or "/tests/" in n]


def test_the_archive_holds_what_builds_the_wheel_and_nothing_else(built):
    with tarfile.open(built[0]) as archive:
        names = archive.getnames()
    tops = {name.split("/")[1] for name in names if "/" in name}
    known = {"ddad", "demo", "checkpoints", "app.py", "LICENSE", "README.md", "pyproject.toml"}
    assert tops - {"PKG-INFO", ".gitignore"} == known


def test_away_from_the_checkout_it_trains_scores_and_opens_the_page(built, tmp_path):
    """The other packages are those of this environment; `benchmarks.installs` installs them too."""
    env = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", env], check=True)
    libraries = next((env / "lib").glob("python*")) / "site-packages"
    # A plain line adds the folder alone: the .pth in there that leads to the checkout is not read.
    (libraries / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = ["-m", "pip", "--python", env / "bin" / "python", "install", "-q", "--no-deps"]
    subprocess.run([sys.executable, *install, built[1]], check=True)
    took = trial(env / "bin" / "ddad", env / "bin" / "python", tmp_path / "trial")
    assert set(took) == {"help", "import", "train", "score", "page"}
