"""Where usage comes from: one module per source, found by its file name.

A module without a leading underscore that defines `source` is a source. Modules with an underscore are shared tools.
Nothing here knows Dagster, the warehouse or Slack.
"""

import importlib
import pkgutil
from functools import cache

from connectors._contract import Source


@cache
def discover() -> tuple[Source, ...]:
    """Every source of this folder, in alphabetical order."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(module.source for module in modules if hasattr(module, "source"))
