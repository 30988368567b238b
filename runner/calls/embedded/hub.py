"""Files on Hugging Face, by commit (huggingface_hub's only home)."""

import os
from pathlib import Path

from runner.errors import ConfigError


def hub_download(repo: str, revision: str, file: str, folder: Path) -> Path:
    """Fetch one file at one commit; `HF_ENDPOINT` and `HF_TOKEN` work as they always do.

    Raises ConfigError when the hub says no or can't be reached.
    """
    # Imported here: this takes a quarter of a second, and most runs have nothing to download.
    import httpx
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    endpoint = os.environ.get("HF_ENDPOINT")
    try:
        path = hf_hub_download(
            repo, file, revision=revision, local_dir=folder, endpoint=endpoint or None
        )
    except (OSError, httpx.HTTPError, HFValidationError) as error:
        address = f"{repo}/{file} at {revision[:12]}"
        raise ConfigError(f"can't fetch {address} from the hub: {_first_line(error)}") from error
    return Path(path)


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
