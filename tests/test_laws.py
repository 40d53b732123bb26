"""The laws of the house, read from the imports: who may know whom, who may know TensorFlow, and what never lies in the repository.

Every law walks the folders. One that would look at fewer files than `LEAST` has lost sight of the house, and fails.
"""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

import pytest

from fer_core.runtime import ROOT

CORE_ROOMS = ("data", "models", "runs", "metrics", "annotations", "faces", "training", "attribution", "units", "feature_vis",
              "plots", "release", "report", "cli")
"""Packages of the core from the ground up: a module may import only what stands before its room, or in it."""
UI_ROOMS = ("text", "state", "streamlit_ext", "elements", "services", "shell", "controls", "views")
"""The same for the pages."""
LIGHT_ROOMS = {"data", "metrics", "annotations", "runs", "plots", "faces"}
"""Packages that never know TensorFlow or Keras, not even within a function."""
LAZY_FACES = {"fer_core.models", "fer_core.attribution"}
"""Packages that import what they hand on when it is first used: asking them for anything may load TensorFlow."""
LIGHT_PAGES = ("app.py", "pages/dataset.py", "pages/training_monitor.py", "pages/confusion_matrix.py")
FRAMEWORKS = {"tensorflow", "keras"}
LEAST = {"fer_core": 125, "ui": 100, "pages": 7, "tests": 70}
"""Python files at least, by folder."""


def python_files(folder):
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts)


def dotted(path):
    """The name that a file is imported by: fer_core/data/__init__.py is fer_core.data."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {dotted(path): path for folder in ("fer_core", "ui") for path in python_files(folder)}
CORE = {name: path for name, path in MODULES.items() if name.startswith("fer_core.")}
UI = {name: path for name, path in MODULES.items() if name.startswith("ui.")}
PAGES = [ROOT / "app.py", *python_files("pages")]


def room(name):
    """The package of a module: of fer_core.data.demo.canvas it is data; '' for what stands at the root."""
    parts = name.split(".")
    return parts[1] if len(parts) > 2 or (ROOT / parts[0] / parts[1]).is_dir() else ""


def imported(path, whole=True):
    """Return the dotted names that a file imports, modules where they are modules; or only those imported as the file is loaded."""
    names = set()
    waiting = list(ast.parse(path.read_text("utf-8")).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(filter(None, (*_home(path, node.level), node.module)))
            names |= {f"{package}.{alias.name}" for alias in node.names}
        elif whole or not (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _types_only(node)):
            waiting += ast.iter_child_nodes(node)
    return {_module(name) or name for name in names}


def _home(path, level):
    """The package that a relative import begins in; nothing where the import is absolute."""
    folders = path.parent.relative_to(ROOT).parts if ROOT in path.parents else ("fer_core",)
    return folders[: len(folders) + 1 - level] if level else ()


def _types_only(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _module(name):
    """The module of ours that a dotted name stands in; '' for other packages' names."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name


def tops(names):
    return {name.partition(".")[0] for name in names}


def own(names):
    return {name for name in names if name in MODULES}


def heavy():
    """The modules that load TensorFlow or Keras, themselves or through another one, as they are loaded or later."""
    direct = {name for name, path in CORE.items() if tops(imported(path)) & FRAMEWORKS} | LAZY_FACES
    found = set()
    while direct - found:
        found |= direct
        direct = {name for name, path in CORE.items() if own(imported(path, whole=False)) & found}
    return found


HEAVY = heavy()


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("folder", LEAST)
def test_the_laws_see_the_whole_house(folder):
    assert len(python_files(folder)) >= LEAST[folder]


def test_every_room_has_its_place():
    assert {room(name) for name in CORE} - {""} == set(CORE_ROOMS)
    assert {room(name) for name in UI} - {""} == set(UI_ROOMS)


@pytest.mark.parametrize("name", [*CORE, *UI])
def test_nothing_imports_upwards(name):
    if name == "fer_core.__main__":
        return  # the door of the house
    order = CORE_ROOMS if name in CORE else UI_ROOMS
    allowed = {"", *(order[: order.index(room(name)) + 1] if room(name) else ())}
    above = {other for other in own(imported(MODULES[name])) if other.split(".")[0] == name.split(".")[0]
             and other.count(".") and room(other) not in allowed}
    assert not above


def test_no_circle_within_a_room():
    graph = {name: own(imported(path, whole=False)) - {name} for name, path in MODULES.items() if path.name != "__init__.py"}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("name", [name for name in UI if room(name) == "views" and name.count(".") > 2])
def test_no_view_needs_a_view(name):
    view = name.split(".")[2]
    assert not {other for other in own(imported(UI[name])) if other.startswith("ui.views.") and other.split(".")[2] != view}


@pytest.mark.parametrize("name", CORE)
def test_the_core_knows_no_streamlit_and_no_page(name):
    assert not tops(imported(CORE[name])) & {"streamlit", "ui", "pages", "app"}


@pytest.mark.parametrize("name", [name for name in CORE if room(name) in LIGHT_ROOMS])
def test_light_rooms_never_know_the_framework(name):
    assert not tops(imported(CORE[name])) & FRAMEWORKS
    assert name not in HEAVY


def test_the_patches_stand_in_one_room():
    parts = (*PAGES, *UI.values())
    assert [path.name for path in parts if "run_every" in path.read_text("utf-8")] == ["rerun.py"]


def test_light_modules_load_without_the_framework():
    light = [name for name in CORE if name not in HEAVY and name != "fer_core.__main__"]
    assert len(light) > 70
    code = f"import sys, importlib; [importlib.import_module(n) for n in {light}]; print(sorted({FRAMEWORKS} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("page", LIGHT_PAGES)
def test_light_pages_reach_no_framework(page):
    waiting, seen = [ROOT / page], set()
    while waiting:
        path = waiting.pop()
        names = imported(path)
        assert not tops(names) & FRAMEWORKS, path.name
        assert not own(names) & HEAVY, path.name
        found = {MODULES[name] for name in own(names) if name in UI}
        waiting += found - seen
        seen |= found
    assert len(seen) > 20


@pytest.mark.parametrize("name", [name for name in CORE if name != "fer_core.models.gradients"])
def test_only_gradients_opens_a_tape(name):
    assert "GradientTape" not in CORE[name].read_text("utf-8")


def test_pages_and_ui_leave_the_framework_to_the_core():
    for path in (*PAGES, *UI.values()):
        assert not tops(imported(path)) & FRAMEWORKS, path.name


@pytest.mark.parametrize("package", sorted({dotted(path.parent / "__init__.py") for path in CORE.values()} - {"fer_core"}))
def test_no_module_takes_the_name_of_what_its_package_hands_on(package):
    """After `import fer_core.x.explain` the module would stand where `fer_core.x.explain` was a function."""
    face = MODULES[package]
    stub = face.with_suffix(".pyi")
    tree = ast.parse((stub if stub.exists() else face).read_text("utf-8"))
    handed = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module != package
              for alias in node.names}
    modules = {path.stem for path in face.parent.glob("*.py")} | {path.name for path in face.parent.iterdir() if path.is_dir()}
    assert not handed & modules


@pytest.mark.parametrize("package, names", [
    ("data", ("read", "Dataset", "Split")), ("models", ("build", "load", "predict", "ARCHITECTURES")), ("runs", ("RunStore", "Run")),
    ("metrics", ("evaluate", "Evaluation")), ("attribution", ("METHODS", "explain")),
])
def test_the_public_names_are_there(package, names):
    code = f"import fer_core.{package} as p; [getattr(p, n) for n in {names}]; from fer_core.{package} import {', '.join(names)}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_no_drawer_for_odds_and_ends():
    assert not [path for path in tracked() if path.stem in {"utils", "util", "base", "common", "helpers", "misc"}]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_page_chooses_calls_and_draws(page):
    assert len(page.read_text("utf-8").splitlines()) <= 140


def test_no_path_of_one_machine():
    own_paths = re.compile(r"(?<![\w.])/(?:home|root|Users|work|mnt)/\w+|[A-Z]:\\\\?Users")
    text = {".py", ".md", ".toml", ".txt", ".json", ".js", ".css", ".sh", ".csv", ".yml", ""}
    found = [f"{path.relative_to(ROOT)}: {line.strip()[:80]}" for path in tracked() if path.suffix in text
             for line in path.read_text("utf-8", errors="replace").splitlines() if own_paths.search(line)]
    assert not found


def test_direct_requirements_are_pinned():
    for name in ("requirements.txt", "requirements-test.txt", "benchmarks/requirements.txt", "benchmarks/requirements-torch.txt"):
        for line in (ROOT / name).read_text("utf-8").splitlines():
            assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][\w.]*|-r [\w./-]+", line), f"{name}: {line}"


def test_the_law_sees_an_import_however_it_is_written(tmp_path):
    path = tmp_path / "sample.py"
    path.write_text("from .training import trainer\nfrom .runs.store import Run\nimport fer_core.data.demo.generator as d\n"
                    "from fer_core.report import html, formatting\ndef late():\n    import keras\n")
    assert own(imported(path)) == {"fer_core.training.trainer", "fer_core.runs.store", "fer_core.data.demo.generator",
                                   "fer_core.report", "fer_core.report.formatting"}
    assert "keras" in tops(imported(path)) and "keras" not in tops(imported(path, whole=False))
    assert "fer_core.models.architectures" in HEAVY and "fer_core.data.splits" not in HEAVY
