"""Charts of results, as Vega-Lite specifications, and their drawing as SVG or PNG."""
