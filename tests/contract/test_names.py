"""One name, one meaning: whoever meets the name of a class knows which one it is."""

import ast
from collections import defaultdict
from pathlib import Path

import spindle


def test_no_two_classes_share_a_name():
    homes = defaultdict(list)
    for path in Path(spindle.__file__).parent.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(path.name)
    assert homes["Box"] == ["domain.py"], "classes are seen at all"
    shared = {name: files for name, files in homes.items() if len(files) > 1}
    assert not shared, f"{shared}: give all but one of each a name that says what it is besides"
