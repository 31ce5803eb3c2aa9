"""The one module that fetches from the Hugging Face hub: a tokenizer file at a pinned revision.

A name that moves (a branch, a tag) is refused by `Target`, so what is fetched today is what will be fetched in a year.
The file lands in the hub's own cache and is found there from then on. A token is read by the hub's library from its
own places, never from a run file. Not here: publishing.
"""

from pathlib import Path

from pipelines.engine.errors import InputError


def fetch_tokenizer(repository: str, revision: str) -> Path:
    """Return the local path of `tokenizer.json` of a repository at a 40-hex revision. Raises InputError."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(str(hf_hub_download(repository, "tokenizer.json", revision=revision)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise InputError(
            f"{repository} at {revision[:12]}: tokenizer.json cannot be had from the hub ({type(error).__name__}); "
            "accept its licence and log in, or give the path of a local tokenizer.json in the mixture (`tokenizer:`)"
        ) from error
