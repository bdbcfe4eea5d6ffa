// A drawn chart becomes an interactive one when it comes into view; without this script the drawing stays.
(() => {
  const outlines = document.getElementById("world-outlines");
  const world = outlines && JSON.parse(outlines.textContent);
  // The outlines of countries stand in the page once; a chart names them.
  const whole = (key, value) => value && value.name === "world" && value.format ? { values: world, format: value.format } : value;
  const draw = (place) => {
    const spec = JSON.parse(document.getElementById(place.dataset.spec).textContent, whole);
    const target = document.createElement("div");
    const still = place.firstElementChild;
    target.setAttribute("aria-hidden", "true"); // the place around it says what it shows
    const inputs = document.createElement("div"); // beside the picture: what is in one is hidden from screen readers
    inputs.className = "vega-bindings";
    vegaEmbed(target, spec, { renderer: "svg", actions: false, mode: "vega-lite", bind: inputs })
      .then(() => { place.replaceChildren(target); place.before(inputs); place.dataset.live = "yes"; })
      .catch((error) => { place.replaceChildren(still); console.warn(String(error)); });
  };
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) { watch.unobserve(entry.target); draw(entry.target); }
    }
  }, { rootMargin: "200px" });
  for (const place of document.querySelectorAll("[data-spec]")) watch.observe(place);
  window.addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("details")) d.open = true; });
})();
