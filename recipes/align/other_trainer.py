"""Train a policy with verl or OpenRLHF, with the rewards of `pluralign serve`.

    pluralign serve runs/mine/models/seed-0/adaptive --port 8000
    python recipes/align/other_trainer.py verl --server http://127.0.0.1:8000 -c MEX -c GBR \
        --prompts prompts.jsonl --model models/mine --out runs/verl-8b --dry-run

Checks that the server answers and knows the communities, and that the prompts can be read. With
--dry-run it prints the command; without, it also writes the data and the command as a script into
--out. The script runs where verl (or OpenRLHF) and its GPUs are.

verl: GDPO on a LoRA adapter, a column of rewards for each community. OpenRLHF: RLOO on all weights
(it has no adapters there); several communities are one blend.
"""

import argparse
import sys
from pathlib import Path

from pluralign.core import PluralignError, Tally
from pluralign.interop.policy_trainers import (
    PolicyTraining,
    as_script,
    check_server,
    command_for,
    write_training,
)
from pluralign.sources import RowPolicy, read_prompts


def main() -> int:
    """Check, and print or write."""
    given = _arguments()
    training = PolicyTraining(
        given.server,
        tuple(given.community),
        given.model,
        given.out.resolve(),
        gpus=given.gpus,
        group=given.group,
        learning_rate=given.learning_rate,
        beta=given.beta,
    )
    try:
        prompts = read_prompts(given.prompts, RowPolicy(Tally(), False))
        training = check_server(training)
        print(f"# {len(prompts):,} prompts in {given.prompts}")
        print(f"# {training.server} answers, and knows {', '.join(training.communities)}")
        if given.dry_run:
            print(as_script(command_for(given.trainer, training)), end="")
        else:
            print(f"sh {write_training(given.trainer, training, prompts)}")
    except PluralignError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("trainer", choices=["verl", "openrlhf"])
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--server", required=True, help="URL of `pluralign serve`.")
    parser.add_argument(
        "-c", "--community", action="append", default=[], help="Default: all of the server."
    )
    parser.add_argument("--model", required=True, help="Folder or hub name of the start model.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--gpus", type=int, default=8)
    parser.add_argument("--group", type=int, default=8, help="Answers to each prompt.")
    parser.add_argument(
        "--learning-rate", type=float, help="Default: 2e-5 for verl's adapter, 5e-7 for OpenRLHF."
    )
    parser.add_argument("--beta", type=float, default=0.04, help="Pull to the start model.")
    parser.add_argument("--dry-run", action="store_true")
    given = parser.parse_args()
    if given.learning_rate is None:
        given.learning_rate = 2e-5 if given.trainer == "verl" else 5e-7
    return given


if __name__ == "__main__":
    sys.exit(main())
