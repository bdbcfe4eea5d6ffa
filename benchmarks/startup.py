"""Start-up times: importing, the first help, and the first vector of MiniLM.

Against a bare Python, Typer, torch, and sentence-transformers with the same model.
"""

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import pluralign": ["-c", "import pluralign"],
    "import typer, rich": ["-c", "import typer, rich.markdown, typer.rich_utils"],
    "pluralign --help": ["-m", "pluralign.cli.main", "--help"],
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


def seconds(arguments: list[str]) -> float:
    """Wall time of one fresh process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main(rounds: int = 7) -> None:
    """Alternate, so that other load on the machine affects all of them."""
    seconds(COMMANDS["first vector, onnxruntime"])  # writes the network into the cache folder
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, arguments in COMMANDS.items():
            times[name].append(seconds(arguments))
    bare = statistics.median(times["python -c pass"])
    print(f"{'command':26} {'median s':>9} {'least s':>8} {'x bare python':>14}")
    for name, found in times.items():
        print(
            f"{name:26} {statistics.median(found):9.3f} {min(found):8.3f} "
            f"{statistics.median(found) / bare:14.1f}"
        )


if __name__ == "__main__":
    main()
