"""What the documents say is true: sessions run, excerpts are in the source, paths exist."""

import doctest
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from baregrad.compiler import step
from baregrad.machine.errors import UnsupportedMachineError

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "baregrad"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = sorted(
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("*.py")
    if path.name != "__init__.py"
)


def of_every_document(test, documents=DOCUMENTS):
    return pytest.mark.parametrize("document", documents, ids=lambda path: path.name)(test)


def of_every_document_but_the_tutorial(test):
    """Its blocks need each other's files, and tables: they have a test of their own."""
    return of_every_document(test, [path for path in DOCUMENTS if path.name != "tutorial.md"])


def fences(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def excerpts(text):
    """The source file that each marked excerpt is from, and the excerpt."""
    return re.findall(
        r"^<!-- from (\S+) -->\n```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL
    )


def only_sessions(text):
    """The Python sessions of a document; all other lines are blank, so line numbers stay right."""
    pieces = re.split(r"^(```pycon\n.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(
        re.sub(r"^```.*$", "", piece, flags=re.MULTILINE)
        if piece.startswith("```pycon")
        else "\n" * piece.count("\n")
        for piece in pieces
    )


def failures_of_sessions(text, name):
    test = doctest.DocTestParser().get_doctest(only_sessions(text), {}, name, name, 0)
    report = []
    with warnings.catch_warnings():
        # said where no machine code runs; the output has to be the same
        warnings.filterwarnings("ignore", "machine code is not used", RuntimeWarning)
        doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    return "".join(report)


def test_the_readme_opens_with_the_set_up_and_lists_every_example():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    opening = text.splitlines()[:20]
    assert "pip install -e '.[all]' && baregrad train" in opening
    assert "pip install -e '.[test]' && pytest" in opening
    for example in (ROOT / "examples").glob("*.py"):
        assert f"(examples/{example.name})" in text


@of_every_document_but_the_tutorial
def test_python_sessions_print_what_is_shown(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a session may save files
    assert failures_of_sessions(document.read_text(encoding="utf-8"), document.name) == ""


def test_a_session_with_wrong_output_would_be_found():
    text = "One:\n\n```pycon\n>>> 1 + 1\n3\n```\n"
    report = failures_of_sessions(text, "wrong.md")
    assert "line 4" in report
    assert "Got:\n    2" in report


@pytest.fixture
def no_machine_code(monkeypatch):
    """As on a processor that runs none of our code; lists what was to be compiled."""
    refused = []

    def no_target():
        refused.append("a step")
        raise UnsupportedMachineError("there is no such processor")

    monkeypatch.setattr(step, "chosen_target", no_target)
    return refused


def test_the_compiled_step_of_the_readme_prints_the_same_without_machine_code(no_machine_code):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## Compiled steps\n")
    assert failures_of_sessions(section, "README.md") == ""
    assert no_machine_code


def test_the_page_on_the_compiler_prints_the_same_without_machine_code(no_machine_code):
    text = (ROOT / "docs" / "compiler.md").read_text(encoding="utf-8")
    assert failures_of_sessions(text, "compiler.md") == ""
    assert no_machine_code


def commands(text):
    """Each command of the shell sessions, with the output that is shown for it."""
    for session in fences(text, "console"):
        for command in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
            line, _, output = command.partition("\n")
            yield line, output


def without_times(text):
    return re.sub(r"\b[\d.]+ s\b", "(time)", text)


@pytest.fixture
def shell(tmp_path):
    """Runs a line with sh in a folder that has the examples, and where baregrad is a command."""
    if shutil.which("sh") is None:
        pytest.skip("there is no sh")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "baregrad"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path}/bin/main.py" "$@"\n')
    program.chmod(0o755)
    (tmp_path / "bin" / "main.py").write_text(
        "import sys\nfrom baregrad.cli.main import main\nsys.argv[0] = 'baregrad'\nsys.exit(main())"
    )
    shutil.copytree(ROOT / "examples" / "data", tmp_path / "examples" / "data")
    environment = {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "utf-8",
    }

    def run(line):
        return subprocess.run(
            ["sh", "-c", line],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        ).stdout

    return run


@of_every_document_but_the_tutorial
def test_commands_print_what_is_shown(document, shell):
    shown = list(commands(document.read_text(encoding="utf-8")))
    if any("graph.svg" in output for _, output in shown):
        pytest.importorskip("pygraphviz")  # without it, there is no picture to be listed
    for line, output in shown:
        assert without_times(shell(line)) == without_times(output), line


@of_every_document
def test_excerpts_are_in_the_source_word_for_word(document):
    for path, excerpt in excerpts(document.read_text(encoding="utf-8")):
        assert excerpt in (ROOT / path).read_text(encoding="utf-8"), f"not in {path}:\n{excerpt}"


@of_every_document
def test_every_block_of_python_is_checked(document):
    """Code is a session, which runs, or an excerpt, which is compared; nothing is just shown."""
    text = document.read_text(encoding="utf-8")
    assert len(fences(text, "python")) == len(excerpts(text))


def test_back_propagation_is_explained_with_sessions_and_excerpts():
    text = (ROOT / "docs" / "backpropagation.md").read_text(encoding="utf-8")
    assert len(excerpts(text)) >= 8
    assert len(fences(text, "pycon")) >= 8


def test_the_compiler_is_explained_by_what_its_stages_print():
    text = (ROOT / "docs" / "compiler.md").read_text(encoding="utf-8")
    assert len(fences(text, "pycon")) >= 8
    for shown in ("matmul(", "contraction to", "in place of", "= fma ", "vfmadd231ps"):
        assert any(shown in session for session in fences(text, "pycon")), shown


@of_every_document
def test_links_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if not target.startswith("http"):
            assert (document.parent / target.partition("#")[0]).exists(), target


@of_every_document
def test_source_files_that_are_mentioned_exist(document):
    text = document.read_text(encoding="utf-8")
    for path in re.findall(r"`([\w./-]+\.(?:py|csv|toml|json))`", text):
        found = (folder / path for folder in (ROOT, PACKAGE, document.parent))
        assert any(p.exists() for p in found), path


def test_the_architecture_mentions_every_module():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    missing = [module for module in MODULES if f"`{module}`" not in text]
    assert not missing, "docs/architecture.md says nothing of these files"


def test_pictures_are_what_make_images_makes(tmp_path):
    """In their words and numbers; where Graphviz puts them may depend on its version."""
    pytest.importorskip("pygraphviz")
    subprocess.run(
        [sys.executable, ROOT / "docs" / "make_images.py", tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        timeout=120,
    )
    pictures = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    stored = {path.name: path.read_text("utf-8") for path in (ROOT / "docs" / "images").iterdir()}
    assert pictures.keys() == stored.keys()
    for name, picture in pictures.items():
        assert words(picture) == words(stored[name]), f"{name}: run docs/make_images.py"


def words(picture):
    return sorted(re.findall(r"<text[^>]*>([^<]*)</text>", picture))
