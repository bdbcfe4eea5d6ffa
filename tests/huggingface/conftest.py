from tests.respondents.conftest import tiny_chat_model

__all__ = ["tiny_chat_model"]
