"""``pluralign encode``: vectors of many texts, a part at a time."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.options import AsJson, On, SkipBad

if TYPE_CHECKING:
    from pluralign.core import Encoder, Tally
    from pluralign.scaling import ShardNumber


def encode(
    texts: Annotated[
        Path | None,
        typer.Argument(
            help="The texts: a .parquet, .jsonl, .json or .csv file, or a .txt file with a text "
            "in each line. Settings of a run, a TOML file, are all texts of its pairs."
        ),
    ] = None,
    shard: Annotated[
        str, typer.Option(help="Part to encode, from 1: 17/512 is the 17th of 512.")
    ] = "1/1",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the files shard-K-of-N.parquet.")
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Encoder: minilm (the default), minilm-onnx, static, hash, or the name or folder "
            "of a sentence-transformers model. Settings of a run name their own."
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Column with texts. May be repeated. The default is text."),
    ] = None,
    collect: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Copy the finished shards of a folder into the cache, then exit."
        ),
    ] = None,
    on: On = "local",
    skip_bad: SkipBad = False,
    as_json: AsJson = False,
) -> None:
    """Encode a part of many texts, on one machine of many.

    Every machine gets the same command with another --shard, from Slurm, Spark, SkyPilot or a
    shell; no machine waits for another. Each writes one Parquet file: `key` (the first 16 bytes of
    the SHA-256 of the text) and `vector`. A finished shard is skipped, and a killed one continues.
    Texts that occur several times are encoded once.

    Then `--collect` copies the vectors into the cache of this machine, and `pluralign run` needs
    no model. With settings of a run in place of a file, shards contain exactly the texts that the
    run reads, and its results are the same to the last bit as without shards.

    Examples:
    * `pluralign encode texts.parquet --shard 17/512 --out vectors`
    * `pluralign encode pairs.toml --shard $SLURM_ARRAY_TASK_ID/512 --out vectors`
    * `pluralign encode --collect vectors`
    """
    from pluralign.cli.output import Output
    from pluralign.core import InvalidInput

    output = Output(as_json=as_json)
    if collect is not None:
        _collect(collect, output.json if as_json else None)
        return
    if texts is None or out is None:
        raise InvalidInput(
            "a file of texts and --out are required, unless --collect is given",
            where="encode",
            hint="pluralign encode texts.parquet --shard 17/512 --out vectors",
        )
    _encode(
        texts, shard, out, encoder, column or [], on, skip_bad, output.json if as_json else None
    )


def _encode(
    texts: Path,
    shard: str,
    out: Path,
    encoder: str | None,
    columns: list[str],
    on: str,
    skip_bad: bool,
    json: Callable[[object], None] | None,
) -> None:
    from pluralign.cli.screen import Screen
    from pluralign.cli.source_tables import show_tally
    from pluralign.core import Tally
    from pluralign.scaling import ShardNumber, workers_on, write_text_shard

    number, tally = ShardNumber.read(shard), Tally()
    with Screen() as screen, workers_on(on) as workers:
        screen.stage(f"reading {texts.name}")
        own, make = _texts_and_encoder(texts, number, encoder, columns, tally, skip_bad)
        screen.stage(f"encoding {len(own):,} texts of shard {shard}")
        opened = make()
        on_workers = None if workers is None else (make, workers)
        written = write_text_shard(own, number, opened, out, screen.progress, on_workers)
    if json is not None:
        json(
            {
                "file": str(written.path),
                "texts": written.texts,
                "encoder": opened.fingerprint,
                "found": written.found,
            }
        )
        return
    state = "there already" if written.found else "written"
    typer.echo(f"{written.path}: {written.texts:,} texts, {state}")
    if tally.dropped:
        show_tally(tally, "read as texts")


def _texts_and_encoder(
    path: Path,
    number: "ShardNumber",
    encoder: str | None,
    columns: list[str],
    tally: "Tally",
    skip_bad: bool,
) -> "tuple[list[str], Callable[[], Encoder]]":
    """The texts of a part, and a function that makes the encoder here and on workers."""
    from pluralign.core import InvalidInput
    from pluralign.models.trunks import encoder_maker
    from pluralign.settings.experiment import EmbeddingTrunkSettings
    from pluralign.sources import RowPolicy, read_texts

    if path.suffix.lower() == ".toml":
        if encoder is not None or columns or skip_bad:
            raise InvalidInput(
                "settings of a run have their own encoder, columns and skip_bad",
                where="--encoder, --column, --skip-bad",
                hint="leave these options out, or give a file of texts",
            )
        return _of_settings(path, number)
    if encoder == "endpoint":
        raise InvalidInput(
            "the addresses of servers of embeddings are read from a settings file only",
            where="--encoder",
            hint='give settings of a run with encoder = "endpoint", instead of a file of texts',
        )
    settings = EmbeddingTrunkSettings(encoder=encoder or "minilm")
    own = number.texts(read_texts(path, RowPolicy(tally, skip_bad), columns))
    return own, encoder_maker(settings)


def _of_settings(path: Path, number: "ShardNumber") -> "tuple[list[str], Callable[[], Encoder]]":
    from pluralign.core import InvalidInput
    from pluralign.models.trunks import encoder_maker
    from pluralign.rewards import texts_of
    from pluralign.settings import resolve
    from pluralign.sources.pair_loading import load_pairs

    resolved = resolve(path)
    settings = resolved.settings
    if settings.trunk.kind != "embedding":
        raise InvalidInput(
            "a transformer reads prompt and response together; it cannot encode single texts",
            where=f"{path.name}: trunk.kind",
            hint="spread its work with pluralign run --on",
        )
    loaded = load_pairs(resolved.sources, settings.limit, settings.seed)
    return number.texts(texts_of(loaded.pairs)), encoder_maker(settings.trunk)


def _collect(folder: Path, json: Callable[[object], None] | None) -> None:
    from dataclasses import asdict

    from pluralign.cli.screen import Screen
    from pluralign.core import count_of
    from pluralign.scaling import collect_text_shards

    with Screen() as screen:
        screen.stage(f"collecting {folder}")
        found = collect_text_shards(folder, reporter=screen)
        if found.missing:
            shown = ", ".join(found.missing[:10]) + (" ..." if len(found.missing) > 10 else "")
            screen.note(f"{count_of(len(found.missing), 'shard')} missing: {shown}")
    if json is not None:
        json(asdict(found))
        return
    typer.echo(
        f"in the cache: {count_of(found.vectors, 'vector')} of {count_of(found.files, 'file')}, "
        f"by {count_of(len(found.encoders), 'encoder')}"
    )
