"""Pages of stewards, under ``/steward``: a page is a function of a `Desk`."""
