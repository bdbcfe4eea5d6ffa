"""How a question is put: strategies, their templates, orders and paraphrases."""
