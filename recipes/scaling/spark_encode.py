"""Encode a column of texts with Spark: spark-submit spark_encode.py texts.parquet vectors.

Every executor needs `pip install 'pluralign[embed]'`. `pluralign encode --collect vectors` then
copies the vectors into the cache of a machine that sees the folder. Spark cuts the rows into
batches of its own, so the last bits of a vector may differ from those of `pluralign encode`.
"""

import sys
from collections.abc import Iterator

import pandas as pd

from pluralign.encoders import encoder_named
from pluralign.encoders.shards import keys_of

ENCODER = "minilm"


def encode(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Keys and vectors of the column ``text``; the model is loaded once for a partition.

    The fingerprint of the encoder is in each row: files of Spark have no other place for it.
    """
    encoder = encoder_named(ENCODER)
    for frame in frames:
        texts = frame["text"].tolist()
        keys = [key.ljust(16, b"\0") for key in keys_of(texts).tolist()]
        vectors = encoder.encode(texts).tolist()
        yield pd.DataFrame({"key": keys, "vector": vectors, "encoder": encoder.fingerprint})


if __name__ == "__main__":
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    texts = spark.read.parquet(sys.argv[1]).select("text").distinct()
    vectors = texts.mapInPandas(encode, "key binary, vector array<float>, encoder string")
    vectors.write.parquet(sys.argv[2])
