"""The pairs of a finished run, read again without people who withdrew from it."""

from pluralign.core import AnyPath, InvalidInput, as_path, read_json_object
from pluralign.experiments.recorded_settings import recorded_settings, recorded_tables
from pluralign.runs.folder import RECORD
from pluralign.runs.withdrawn import read_withdrawn
from pluralign.sources import Loaded, load_pairs


def pairs_of_run(run: AnyPath) -> Loaded:
    """Read the pairs of a finished run again, from its recorded sources.

    People who withdrew from the run are left out, whether or not their rows are in the sources.

    Args:
        run: Folder of a finished run of reward models.

    Raises:
        InvalidInput: If there is no such run, or a source has other pairs than the run read.
        InvalidSettings: If the record does not have all settings, such as a secret token.
        DamagedFile: If the record or the list of people who withdrew was altered.
    """
    folder = as_path(run)
    resolved = recorded_settings(None, recorded_tables(folder), folder)
    settings, gone = resolved.settings, read_withdrawn(folder)
    found = load_pairs(resolved.sources, settings.limit, settings.seed, withdrawn=gone)
    if found.fingerprint != read_json_object(folder / RECORD)["data"]["fingerprint"]:
        raise InvalidInput(
            "the data have changed since the run read them",
            where=str(folder),
            hint="run the experiment again, or give the file of pairs instead",
        )
    return found
