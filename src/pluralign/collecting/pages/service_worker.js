// Runs between this study's pages and the network. The server writes CACHE, FILES and OFFLINE in
// front: a new version of any file is a new cache. Only GET is ever looked at, and no page of a
// person is ever kept.
const complete = async () => {
  const cache = await caches.open(CACHE);
  await Promise.all(FILES.map((path) => keep(cache, path)));
};

// One file that cannot be fetched does not keep the others out; it is tried again later.
async function keep(cache, path) {
  if (await cache.match(path)) return;
  const response = await fetch(path, { cache: "reload" }).catch(() => null);
  if (response?.ok) await cache.put(path, response);
}

async function takeOver() {
  const old = (await caches.keys()).filter((name) => name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await clients.claim();
}

async function page(event) {
  const response = await fetch(event.request).catch(() => null);
  if (response && ![502, 504].includes(response.status)) {
    event.waitUntil(complete());
    return response;
  }
  const cache = await caches.open(CACHE);
  return (await cache.match(OFFLINE)) ?? response ?? Response.error();
}

async function file(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
}

addEventListener("install", (event) => event.waitUntil(complete().then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(takeOver()));
addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if (mode === "navigate") event.respondWith(page(event));
  else if (FILES.includes(pathname) && pathname !== OFFLINE) event.respondWith(file(event.request));
});
