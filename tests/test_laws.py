"""The laws of the house, read from the imports: who may know whom, who may know TensorFlow, and what never lies in the repository."""

import ast
import re
import subprocess
import sys

import pytest

from fer_core.runtime import ROOT

# From the ground up: a module may import only what stands before it.
ORDER = (
    "errors", "runtime", "sentences", "emotions", "config", "files", "machine", "processes",
    "brush", "anatomy", "drawing", "demo", "splits", "table", "reading", "data",
    "perceptual", "alignment", "near_copies", "augment", "precision",
    "mixing", "dynamics", "folds", "runs", "sources", "training_set", "feed", "launch", "predicting", "recorder",
    "schedule", "measures", "paired", "evaluate", "diagnosis",
    "marks", "choice", "pins", "neighbours", "suspicion", "looks", "ensemble", "card", "crossfit",
    "gradients", "losses", "layers", "exports", "models", "views", "learner", "events", "train",
    "regions", "photos", "methods", "question", "attribution", "saliency", "portrait", "faithfulness", "shipping",
    "tasks", "objectives", "presets", "walls", "cuts", "parametrisations", "transforms", "ascent", "activations", "units", "switching",
    "painter",
    "colours", "maps", "exhibit", "matrices", "confidence", "curves", "charts",
    "report.english", "report.chinese", "report.words", "report.figures", "report.pictures", "report.findings", "report.sheet",
    "report.answers", "report.views", "report.pinned", "report.appendix", "report",
    "terminal", "explorer", "explaining", "reporting", "cli", "__main__",
)
USES_KERAS = {"gradients", "losses", "layers", "exports", "models", "learner", "events", "train", "attribution", "saliency",
             "faithfulness", "shipping", "cuts", "parametrisations", "transforms", "ascent", "activations", "units",
             "switching", "painter"}
OPENS_TAPES = {"gradients"}
LIGHT_PAGES = ("app.py", "pages/dataset.py", "pages/training_monitor.py", "pages/confusion_matrix.py")
FRAMEWORKS = {"tensorflow", "keras"}

CORE = ROOT / "fer_core"
MODULES = {".".join(path.relative_to(CORE).with_suffix("").parts).removesuffix(".__init__"): path
           for path in sorted(CORE.rglob("*.py")) if path != CORE / "__init__.py"}
PAGES = [path for path in (ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))) if path.exists()]


def imported(path, whole=True):
    """Return the dotted names that a file imports, or only those imported as the file is loaded."""
    names = set()
    waiting = list(ast.parse(path.read_text("utf-8")).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(filter(None, (*_home(path, node.level), node.module)))
            names |= {package} | {f"{package}.{alias.name}" for alias in node.names}
        elif whole or not (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _types_only(node)):
            waiting += ast.iter_child_nodes(node)
    return names


def _home(path, level):
    """The package that a relative import begins in; nothing where the import is absolute."""
    folders = path.parent.relative_to(ROOT).parts if ROOT in path.parents else ("fer_core",)
    return folders[: len(folders) + 1 - level] if level else ()


def _types_only(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def tops(names):
    return {name.partition(".")[0] for name in names}


def own(names):
    """The modules of the core among dotted names: of `fer_core.report.formatting.Words` that is `report.words`."""
    inside = [name.split(".")[1:] for name in names if name.startswith("fer_core.")]
    known = [[part for n in range(len(parts), 0, -1) if (part := ".".join(parts[:n])) in MODULES] for parts in inside]
    return {parts[0] for parts in known if parts}


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("name", MODULES)
def test_nothing_imports_upwards(name):
    assert name in ORDER, f"{name} has no place in ORDER yet"
    assert not own(imported(MODULES[name])) - set(ORDER[: ORDER.index(name)])


@pytest.mark.parametrize("name", MODULES)
def test_the_core_knows_no_streamlit_and_no_page(name):
    assert not tops(imported(MODULES[name])) & {"streamlit", "ui", "pages", "app"}


@pytest.mark.parametrize("name", sorted(MODULES.keys() - USES_KERAS))
def test_only_named_modules_know_the_framework(name):
    assert not tops(imported(MODULES[name])) & FRAMEWORKS


def test_what_the_clock_draws_stands_in_a_container_of_its_own():
    parts = (ROOT / "app.py", *(ROOT / "ui").glob("*.py"), *(ROOT / "pages").glob("*.py"))
    assert [path.name for path in parts if "run_every" in path.read_text("utf-8")] == ["clock.py"]


def test_light_modules_load_without_the_framework():
    light = [f"fer_core.{name}" for name in MODULES if name not in USES_KERAS and name != "__main__"]
    code = f"import sys, importlib; [importlib.import_module(n) for n in {light}]; print(sorted({FRAMEWORKS} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("page", [page for page in LIGHT_PAGES if (ROOT / page).exists()])
def test_light_pages_reach_no_framework(page):
    waiting, seen = [ROOT / page], set()
    while waiting:
        path = waiting.pop()
        names = imported(path)
        assert not tops(names) & FRAMEWORKS, path.name
        assert not own(names) & USES_KERAS, path.name
        found = {ROOT.joinpath(*name.split(".")).with_suffix(".py") for name in names if name.startswith("ui.")}
        waiting += [other for other in found - seen if other.exists()]
        seen |= found


@pytest.mark.parametrize("name", sorted(MODULES.keys() - OPENS_TAPES))
def test_only_gradients_opens_a_tape(name):
    assert "GradientTape" not in MODULES[name].read_text("utf-8")


def test_pages_and_ui_leave_the_framework_to_the_core():
    for path in (*PAGES, *(ROOT / "ui").glob("*.py")):
        assert not tops(imported(path)) & FRAMEWORKS, path.name


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
    path.write_text("from . import train\nfrom .runs import Run\nimport fer_core.data.demo.generator as d\nfrom fer_core.report import html, words\n"
                    "def late():\n    import keras\n")
    assert own(imported(path)) == {"train", "runs", "demo", "report", "report.words"}
    assert "keras" in tops(imported(path)) and "keras" not in tops(imported(path, whole=False))
