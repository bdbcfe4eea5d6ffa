"""Documents are read from folders and found by their words, in a folder or by a server."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from pluralign.core import DocumentSearch, InvalidInput, NotEnoughData, Passage, Tally
from pluralign.sources.document_folders import read_passages
from pluralign.sources.document_search import PassageSearch, SearchEndpoint

pytest.importorskip("bm25s")
PAGE = (
    "<html><head><title>x</title><script>var tea = 1;</script></head><body><nav>Home</nav>"
    "<h1>Bread</h1><p>Pan de muerto is eaten in <i>November</i>.</p><p>It is sweet.</p></body>"
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "bread.html").write_text(PAGE)
    (tmp_path / "more/tea.md").write_text("# Tea\n\n" + "Tea is drunk with milk. " * 40)
    (tmp_path / "fires.txt").write_text("People light fires in November.", encoding="utf-16")
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG")
    return tmp_path


def test_texts_and_pages_become_passages_and_other_files_are_counted(folder):
    tally = Tally()
    found = {p.id: p for p in read_passages(folder, 50, tally, "CC0")}
    assert found["bread.html#1"].text == "Bread\nPan de muerto is eaten in November.\nIt is sweet."
    assert found["fires.txt#1"].text.endswith("People light fires in November.")
    assert len([name for name in found if name.startswith("more/tea.md")]) == 5
    assert all(len(p.text.split()) <= 50 and p.license == "CC0" for p in found.values())
    assert (tally.kept, tally.dropped.total()) == (3, 3)
    assert "a document that is not UTF-8" in tally.dropped


def test_bm25_finds_the_planted_passage_and_nothing_without_a_word_of_the_query(folder):
    search = PassageSearch(read_passages(folder, 50, Tally()))
    assert isinstance(search, DocumentSearch)
    assert search.search("What is eaten with pan de muerto?", 1)[0].document == "bread.html"
    assert {p.document for p in search.search("November", 9)} == {"bread.html", "fires.txt"}
    assert search.search("zzz", 3) == []
    assert search.search("", 3) == []


def test_a_script_without_blanks_is_searched_too():
    passages = [Passage("1", "a", "人们喝茶。"), Passage("2", "b", "人们吃面包。")]
    assert PassageSearch(passages).search("面包", 1)[0].id == "2"


def test_an_empty_folder_is_refused_with_what_to_put_there(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(NotEnoughData, match="no document with words") as caught:
        read_passages(tmp_path, 50, Tally())
    assert ".txt, .md, .html" in caught.value.hint
    assert "1 a file that is not" in caught.value.hint


class Answers(BaseHTTPRequestHandler):
    """Answers a query with documents, or with what a broken server sends."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        document = {"id": "7", "text": asked["query"].upper(), "document": "https://a.example/7"}
        found = {"documents": [document] * 5} if asked["query"] != "bad" else {"hits": []}
        body = json.dumps(found).encode()
        self.send_response(500 if asked["query"] == "down" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_a_search_server_is_asked_and_its_faults_are_named():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        search = SearchEndpoint(f"http://127.0.0.1:{server.server_port}/find", license_name="CC0")
        assert isinstance(search, DocumentSearch)
        assert search.search("tea", 2) == [Passage("7", "https://a.example/7", "TEA", "CC0")] * 2
        with pytest.raises(InvalidInput, match="has another form"):
            search.search("bad", 2)
        with pytest.raises(InvalidInput, match=r"the search failed.*500"):
            search.search("down", 2)
    finally:
        server.shutdown()
        server.server_close()
    with pytest.raises(InvalidInput, match="the search failed"):
        search.search("tea", 2)


def test_lines_of_windows_end_paragraphs_too(tmp_path):
    (tmp_path / "tea.txt").write_bytes(b"One two three.\r\n\r\nFour five.\r\n \r\nSix seven eight.")
    found = [passage.text for passage in read_passages(tmp_path, 4, Tally())]
    assert found == ["One two three.", "Four five.", "Six seven eight."]
