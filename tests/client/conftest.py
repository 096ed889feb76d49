"""The real service of the service's tests, for the client."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

# Its helpers are modules of that folder.
sys.path.insert(0, str(Path(__file__).parents[1] / "service"))

_spec = importlib.util.spec_from_file_location(
    "service_conftest", Path(__file__).parents[1] / "service" / "conftest.py"
)
_service = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_service)

book, fill_book, ruleset = _service.book, _service.fill_book, _service.ruleset
running, settings_for = _service.running, _service.settings_for
database_url = _service.database_url

_webhooks_spec = importlib.util.spec_from_file_location(
    "webhooks_conftest", Path(__file__).parents[1] / "service" / "webhooks" / "conftest.py"
)
_webhooks = importlib.util.module_from_spec(_webhooks_spec)
sys.modules["webhooks_conftest"] = _webhooks
_webhooks_spec.loader.exec_module(_webhooks)

receivers, receiver, answer = _webhooks.receivers, _webhooks.receiver, _webhooks.answer
