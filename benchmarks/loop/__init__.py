"""People with planted tastes take part in a served study: from invitations to models and back."""
