"""Encode a column of texts with Spark: spark-submit spark_encode.py texts.parquet vectors.parquet.

Every executor needs `pip install 'pluralign[embed]'`. Spark cuts the rows into batches of its own,
so the last bits of a vector may differ from those of `pluralign encode`.
"""

import sys
from collections.abc import Iterator

import pandas as pd

from pluralign.encoders import encoder_named
from pluralign.encoders.shards import keys_of

ENCODER = "minilm"


def encode(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Keys and vectors of the column ``text``; the model is loaded once for a partition."""
    encoder = encoder_named(ENCODER)
    for frame in frames:
        texts = frame["text"].tolist()
        keys = [key.ljust(16, b"\0") for key in keys_of(texts).tolist()]
        yield pd.DataFrame({"key": keys, "vector": list(encoder.encode(texts).tolist())})


if __name__ == "__main__":
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    texts = spark.read.parquet(sys.argv[1]).select("text").distinct()
    vectors = texts.mapInPandas(encode, "key binary, vector array<float>")
    vectors.write.parquet(sys.argv[2])
