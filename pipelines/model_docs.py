"""`python -m pipelines.model_docs`: dbt's documentation of all models as one page that needs no server and no network.

`models.html` in the data directory: every model with its columns, tests and SQL, and the graph from the feeds to those
who read the marts (`dbt_project/models/exposures.yml`).
"""

import shutil
import sys
from pathlib import Path

from pipelines import dbt
from pipelines.home import keep_private
from pipelines.lake import beside
from pipelines.run_context import writer
from pipelines.settings import Settings, load_settings


def write_model_docs(settings: Settings) -> Path:
    """Write the page from the last good build; waits for a run that is going."""
    if not dbt.good_build(settings).exists():
        sys.exit(f"{settings.data_dir} holds no good build to describe. Make one: paceline run")
    page = settings.data_dir / "models.html"
    with writer(settings, "model-docs", print):
        dbt.invoke(settings, ["docs", "generate", "--static"])
        with beside(page) as draft:
            shutil.move(dbt.target_path(settings) / "static_index.html", draft)
            draft.chmod(0o444)  # for everybody whom the data directory lets in
    return page


if __name__ == "__main__":
    keep_private()
    print(write_model_docs(load_settings()))
