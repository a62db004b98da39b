"""All that was ever measured, in a file for programs and one for people."""

import datetime
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).parents[1]


def machine() -> str:
    """The processor, its cores, the system, Python."""
    model = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


class Results:
    """What is known so far; a measurement made again replaces the one before.

    Args:
        place: without a suffix; there is a .json and a .md.
    """

    def __init__(self, place: Path = FOLDER / "results") -> None:
        self._place = place
        self._found: dict[str, Any] = {}
        stored = place.with_suffix(".json")
        if stored.exists():
            self._found = json.loads(stored.read_text(encoding="utf-8"))

    def add(self, section: str, key: str, found: Any) -> None:
        """Take in a thing that a section measured."""
        kept = self._found.setdefault(section, {"found": {}})
        kept["found"][key] = found
        kept["date"] = datetime.date.today().isoformat()
        kept["machine"] = machine()

    def write(self, sections: Mapping[str, ModuleType]) -> None:
        """Both files."""
        text = json.dumps(self._found, indent=None, separators=(",", ":"))
        self._place.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
        self._place.with_suffix(".md").write_text(self.render(sections), encoding="utf-8")

    def render(self, sections: Mapping[str, ModuleType]) -> str:
        """The page, a heading for each section."""
        parts = [
            "# baregrad and its peers, measured",
            "Written by `python benchmarks/peers.py`; see [how it is measured](README.md).",
        ]
        for name, section in sections.items():
            if kept := self._found.get(name):
                parts += [
                    f"## {section.TITLE}",
                    f"{kept['date']}, {kept['machine']}. {_versions(kept['found'])}".strip(),
                    section.render(kept["found"]),
                ]
        return "\n\n".join(parts) + "\n"


def _versions(found: Mapping[str, Any]) -> str:
    names = {v for one in found.values() if isinstance(one, dict) for v in one.get("versions", ())}
    return ", ".join(sorted(names)) + "." if names else ""
