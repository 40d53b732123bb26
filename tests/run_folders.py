"""Run folders that tests change."""

import json
import shutil


def copied(run, folder):
    """Copy a shipped run as one that was trained here: what is computed of it lies in its folder. Returns the folder."""
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns(".cache"))
    words = json.loads((folder / "meta.json").read_text("utf8"))
    (folder / "meta.json").write_text(json.dumps({**words, "shipped": False}), "utf8")
    return folder
