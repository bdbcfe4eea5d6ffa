"""Start-up times: importing, the first help, and the first vector of MiniLM.

Against a bare Python, Typer, torch, and sentence-transformers with the same model. Processor time
is what other work on the machine changes least.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import pluralign": ["-c", "import pluralign"],
    "import typer, rich": ["-c", "import typer, rich.markdown, typer.rich_utils"],
    "pluralign --help": ["-m", "pluralign.cli.start", "--help"],
    "pluralign run --help": ["-m", "pluralign.cli.start", "run", "--help"],
    "pluralign knowledge --help": ["-m", "pluralign.cli.start", "knowledge", "--help"],
    "import torch": ["-c", "import torch"],
    "first vector, ours": [
        "-c",
        "from pluralign.encoders import minilm\nminilm(device='cpu').encode(['a text'])",
    ],
    "first vector, onnxruntime": [
        "-c",
        "from pluralign.encoders import minilm_onnx\nminilm_onnx().encode(['a text'])",
    ],
    "first vector, library": [
        "-c",
        "from pluralign.encoders import packaged_folder\n"
        "from sentence_transformers import SentenceTransformer\n"
        "SentenceTransformer(str(packaged_folder()), device='cpu').encode(['a text'])",
    ],
}


def seconds(arguments: list[str]) -> tuple[float, float]:
    """Wall time and processor time of one fresh process."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Alternate, so that other load on the machine affects all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="commands whose names contain this text")
    options = parser.parse_args()
    chosen = {name: COMMANDS[name] for name in COMMANDS if options.only in name}
    if "first vector, onnxruntime" in chosen:
        seconds(COMMANDS["first vector, onnxruntime"])  # writes the network into the cache folder
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in chosen}
    for _ in range(options.rounds):
        for name, arguments in chosen.items():
            times[name].append(seconds(arguments))
    print(f"{'command':26} {'median s':>9} {'least s':>8} {'median processor s':>19}")
    for name, found in times.items():
        wall, processor = zip(*found, strict=True)
        print(
            f"{name:26} {statistics.median(wall):9.3f} {min(wall):8.3f} "
            f"{statistics.median(processor):19.3f}"
        )


if __name__ == "__main__":
    main()
