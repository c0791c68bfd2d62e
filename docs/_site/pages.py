"""A hook of mkdocs: README.md is the home page, and what docs link to outside docs/ has a page.

A Markdown file becomes a page, any other file a page that shows it, a folder a page that lists its
files. So every link works on the site without a network, and `--strict` checks each of them.
"""

from __future__ import annotations

import posixpath
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
HOME = "README.md"
SOURCES = "source"
UNSEARCHED = "---\nsearch: {exclude: true}\n---\n\n"
MERMAID = ROOT / ".tools/docs/package/dist/mermaid.min.js"
LINK = re.compile(r"(\]\()([^)\s]+)(\))")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]+`")


def on_files(files: Files, /, *, config: MkDocsConfig) -> Files:
    """Add the home page, and a page for everything outside docs/ that a page links to."""
    files.append(File.generated(config, "index.md", content=_page_of(HOME)))
    paths = {HOME}
    waiting = [
        HOME,
        *(f"docs/{f.src_uri}" for f in files.documentation_pages() if not f.generated_by),
    ]
    while waiting:
        source = waiting.pop()
        for target in _targets(source):
            if target not in paths and not target.startswith("docs/"):
                paths.add(target)
                waiting.append(target)
                page = File.generated(config, _uri_of(target), content=_page_of(target))
                files.append(page)
    if MERMAID.exists():
        script = File.generated(config, "assets/mermaid.min.js", abs_src_path=str(MERMAID))
        files.append(script)
    return files


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the copy of mermaid that `make docs` fetched; without it, the theme names a CDN."""
    if MERMAID.exists():
        config.extra_javascript.append("assets/mermaid.min.js")
    return config


def on_page_markdown(markdown: str, /, *, page: Page, **_: Any) -> str:
    """Point the links of a page of docs/ that lead out of it to their pages."""
    if page.file.generated_by is not None:
        return markdown
    return _linked(markdown, f"docs/{page.file.src_uri}")


def _page_of(source: str) -> str:
    path = ROOT / source
    if path.is_dir():
        readme = f"{source}/{HOME}"
        head = _page_of(readme) if (ROOT / readme).exists() else f"# `{source}`\n"
        rows = [f"- [`{name}`]({name})" for name in _tracked(source)]
        listing = "\n".join(["", "## Files", "", *rows, ""])
        return head + _linked(listing, f"{source}/.", at=source)
    text = path.read_text()
    if path.suffix == ".md":
        return _linked(text, source, at=str(Path(source).parent) if source != HOME else None)
    fence = "~" * 8
    return f"{UNSEARCHED}# `{source}`\n\n{fence}{path.suffix.removeprefix('.')}\n{text}\n{fence}\n"


def _targets(source: str) -> Iterator[str]:
    """Paths in the repository that a file links to."""
    path = ROOT / source
    if path.is_dir():
        yield from (f"{source}/{name}" for name in _tracked(source))
        path, source = path / HOME, f"{source}/{HOME}"
    if path.suffix != ".md" or not path.exists():
        return
    for _, target, _ in LINK.findall(CODE.sub("", FENCE.sub("", path.read_text()))):
        if resolved := _resolved(target, source):
            yield resolved[0]


def _tracked(folder: str) -> list[str]:
    """Text files of a folder, as git has them; without names that a link must escape."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT / folder, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    plain = [
        name for name in names if re.fullmatch(r"(\w[\w.-]*/)*\w[\w.-]*", name) and name != HOME
    ]
    return [name for name in plain if _is_text(ROOT / folder / name)]


def _is_text(path: Path) -> bool:
    try:
        path.read_text()
    except UnicodeDecodeError:
        return False
    return True


def _resolved(target: str, source: str) -> tuple[str, str] | None:
    """The path in the repository and the anchor of a link; None for one that leaves it."""
    if re.match(r"[a-z]+:|#|/", target):
        return None
    name, _, anchor = target.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), name))
    return (path, anchor) if (ROOT / path).exists() else None


def _uri_of(path: str) -> str:
    """Where the site has the page of a path in the repository."""
    if path == HOME:
        return "index.md"
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if (ROOT / path).is_dir():
        return f"{SOURCES}/{path}/index.md"
    return f"{SOURCES}/{path}" if path.endswith(".md") else f"{SOURCES}/{path}.md"


def _linked(markdown: str, source: str, at: str | None = None) -> str:
    """The text with its links changed to those of the site; code is left as it is."""
    here = _uri_of(source) if at is None else f"{SOURCES}/{at}/x"

    def site_link(match: re.Match[str]) -> str:
        resolved = _resolved(match[2], source)
        if resolved is None:
            return match[0]
        uri = posixpath.relpath(_uri_of(resolved[0]), posixpath.dirname(here) or ".")
        return f"{match[1]}{uri}{'#' if resolved[1] else ''}{resolved[1]}{match[3]}"

    return _outside_fences(markdown, lambda text: LINK.sub(site_link, text))


def _outside_fences(markdown: str, change: Any) -> str:
    pieces, end = [], 0
    for fence in FENCE.finditer(markdown):
        pieces += [change(markdown[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*pieces, change(markdown[end:])])
