"""Answers about oneself and addresses: encrypted, in their own file, under a key for each person.

Deleting a key makes that person's rows unreadable everywhere, also in backups of `personal.db` that
nobody can reach any more. So a backup keeps one `keys.db` only, the newest.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import (
    Column,
    Engine,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    inspect,
    select,
)

from pluralign.collecting.store.engines import reading_file, writing_engine
from pluralign.core import DamagedFile

PERSONAL_FILE, KEYS_FILE = "personal.db", "keys.db"
_KEY_BITS, _NONCE_BYTES = 256, 12

personal_tables = MetaData()
_personal = Table(
    "personal",
    personal_tables,
    Column("participant", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),  # nonce, then the text under AES-GCM
)
key_tables = MetaData()
_key = Table(
    "key",
    key_tables,
    Column("participant", Text, primary_key=True),
    Column("key", LargeBinary, nullable=False),
)


class Personal:
    """Answers about oneself, and addresses of people who want to be contacted.

    Args:
        folder: The study's folder, which the caller has locked (`open_store` does).
    """

    def __init__(self, folder: Path) -> None:
        self._rows = _engine_of(folder / PERSONAL_FILE, personal_tables)
        self._keys = _engine_of(folder / KEYS_FILE, key_tables)
        # A row must not be sealed with a key that is deleted meanwhile.
        self._one_at_a_time = threading.Lock()

    def keep(self, participant_id: str, texts: Mapping[str, str]) -> None:
        """Store texts by field, encrypted; they are on disk at the return.

        Args:
            participant_id: The person.
            texts: A text for each field. It replaces the earlier one; an empty text deletes it.
        """
        with self._one_at_a_time:
            cipher = AESGCM(self._key_of(participant_id) or self._new_key(participant_id))
            with self._rows.begin() as connection:
                for field, given in texts.items():
                    own = (_personal.c.participant == participant_id, _personal.c.field == field)
                    connection.execute(delete(_personal).where(*own))
                    if given:
                        sealed = _seal(cipher, given, _place(participant_id, field))
                        row = {"participant": participant_id, "field": field, "sealed": sealed}
                        connection.execute(insert(_personal).values(row))
            if not any(texts.values()) and not self.read(participant_id):
                self._delete_key(participant_id)

    def read(self, participant_id: str) -> dict[str, str]:
        """The texts of a person by field; empty if there are none, or their key was deleted.

        Raises:
            DamagedFile: If a text was changed, or moved to another person or field.
        """
        key = self._key_of(participant_id)
        if key is None:
            return {}
        own = _personal.c.participant == participant_id
        with self._rows.connect() as connection:
            rows = connection.execute(select(_personal).where(own).order_by(_personal.c.field))
            return {
                row.field: _open(AESGCM(key), row.sealed, participant_id, row.field) for row in rows
            }

    def forget(self, participant_id: str) -> None:
        """Delete a person's key and texts: copies of `personal.db` become unreadable too."""
        with self._one_at_a_time:
            self._delete_key(participant_id)
            with self._rows.begin() as connection:
                own = _personal.c.participant == participant_id
                connection.execute(delete(_personal).where(own))

    def close(self) -> None:
        """Close both files."""
        self._rows.dispose()
        self._keys.dispose()

    def _key_of(self, participant_id: str) -> bytes | None:
        own = _key.c.participant == participant_id
        with self._keys.connect() as connection:
            key: bytes | None = connection.execute(select(_key.c.key).where(own)).scalar()
        return key

    def _delete_key(self, participant_id: str) -> None:
        with self._keys.begin() as connection:
            connection.execute(delete(_key).where(_key.c.participant == participant_id))
        # The log still has the page with the key until it is written back and emptied.
        _empty_log(self._keys)

    def _new_key(self, participant_id: str) -> bytes:
        key = AESGCM.generate_key(_KEY_BITS)
        with self._keys.begin() as connection:
            connection.execute(insert(_key).values(participant=participant_id, key=key))
        return key


def people_with_keys(folder: Path) -> set[str]:
    """Ids of all people of a study who have a key, read while the study is open or not."""
    return _people(folder / KEYS_FILE, _key)


def people_with_texts(folder: Path) -> set[str]:
    """Ids of all people of a study who wrote about themselves, whether a key is there or not."""
    return _people(folder / PERSONAL_FILE, _personal)


@contextmanager
def open_personal(folder: Path) -> Iterator[Personal]:
    """Open the personal data of a study whose store is open too."""
    personal = Personal(folder)
    try:
        yield personal
    finally:
        personal.close()


def _people(path: Path, table: Table) -> set[str]:
    if not path.exists():
        return set()
    with reading_file(path) as connection:
        if not inspect(connection).has_table(table.name):
            return set()
        return set(connection.execute(select(table.c.participant)).scalars())


def _engine_of(path: Path, tables: MetaData) -> Engine:
    """An engine of a file that only its owner may read."""
    engine = writing_engine(f"sqlite:///{path.absolute()}")
    tables.create_all(engine)
    return engine


def _empty_log(engine: Engine) -> None:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # SQLite does not wait until the disk has the truncation: a power cut could bring the log back.
    with Path(f"{engine.url.database}-wal").open("rb+") as log:
        os.fsync(log.fileno())


def _place(participant_id: str, field: str) -> bytes:
    """Data that a sealed text is bound to, so that it opens nowhere else."""
    return f"{participant_id}\0{field}".encode()


def _seal(cipher: AESGCM, given: str, place: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, given.encode(), place)


def _open(cipher: AESGCM, sealed: bytes, participant_id: str, field: str) -> str:
    nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return cipher.decrypt(nonce, rest, _place(participant_id, field)).decode()
    except InvalidTag:
        raise DamagedFile(
            f"the text of {participant_id} in the field {field!r} does not match its key",
            where=PERSONAL_FILE,
            hint="it was changed outside the study; restore both files from one backup",
        ) from None
