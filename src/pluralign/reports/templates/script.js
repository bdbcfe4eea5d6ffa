// A drawn chart becomes an interactive one when it comes into view; without this script the drawing stays.
(() => {
  const outlines = document.getElementById("world-outlines");
  const world = outlines && JSON.parse(outlines.textContent);
  // The page has the outlines of countries once; a chart names them.
  const whole = (key, value) => value && value.name === "world" && value.format ? { values: world, format: value.format } : value;
  const phone = window.matchMedia("(max-width: 40rem)");
  const drawn = new Set();
  const draw = (chart) => {
    const size = phone.matches ? "narrow" : "wide";
    const spec = JSON.parse(document.getElementById(`${chart.dataset.spec}-${size}`).textContent, whole);
    if (spec.autosize) spec.width = chart.clientWidth; // else its steps decide
    const target = document.createElement("div");
    const still = [...chart.children];
    target.setAttribute("aria-hidden", "true"); // the element around it describes it
    const inputs = document.createElement("div"); // outside of the picture, which screen readers skip
    inputs.className = "vega-bindings";
    vegaEmbed(target, spec, { renderer: "svg", actions: false, mode: "vega-lite", bind: inputs })
      .then(() => {
        if (drawn.has(chart)) chart.previousElementSibling.remove();
        chart.replaceChildren(target);
        chart.before(inputs);
        chart.dataset.live = "yes";
        drawn.add(chart);
      })
      .catch((error) => { chart.replaceChildren(...still); console.warn(String(error)); });
  };
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) { watch.unobserve(entry.target); draw(entry.target); }
    }
  }, { rootMargin: "200px" });
  for (const chart of document.querySelectorAll("[data-spec]")) watch.observe(chart);
  phone.addEventListener("change", () => drawn.forEach(draw));
  window.addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("details")) d.open = true; });
})();
