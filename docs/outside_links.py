"""A hook of MkDocs: only docs/ is in the site, so links to the rest lead to the repository."""  # noqa: INP001

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

_UPWARDS = re.compile(r"\]\((\.\./[^)#\s]+)")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Return a page's text, in which each link out of docs/ names the repository."""
    place = posixpath.dirname(f"docs/{page.file.src_uri}")

    def led_outside(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(place, found[1]))
        return found[0] if path.startswith("docs/") else f"]({config.extra['repository']}/{path}"

    return _UPWARDS.sub(led_outside, markdown)
