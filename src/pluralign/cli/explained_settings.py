"""What ``--explain`` prints."""

from collections.abc import Sequence

from pluralign.cli.output import Output
from pluralign.cli.tables import Column, Table


def show_explained(lines: Sequence[tuple[str, str, str]], output: Output) -> None:
    """Print every setting, its value and where it came from."""
    if output.as_json:
        output.json([{"key": k, "value": v, "from": o} for k, v, o in lines])
        return
    table = Table(
        columns=[Column(head="setting"), Column(head="value", cut="end"), Column(head="from")]
    )
    table.rows.extend(lines)
    output.table(table)
