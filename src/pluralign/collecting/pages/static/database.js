// What this device keeps for a study, in IndexedDB. Stores:
//   answers    made here and not confirmed by the server yet: {order, person, body, digest}
//   pairs      to be answered without a connection
//   exchanges  whether left and right are exchanged before an answer is sent, drawn once
//   memory     whose device this is at the moment
const STORES = {
  answers: { keyPath: "order", autoIncrement: true },
  pairs: { keyPath: "assignment" },
  exchanges: { keyPath: "assignment" },
  memory: { keyPath: "name" },
};

let opened = null;

function open() {
  opened ??= new Promise((done, failed) => {
    const request = indexedDB.open("pluralign", 1);
    request.onupgradeneeded = () => {
      for (const [name, options] of Object.entries(STORES)) {
        request.result.createObjectStore(name, options);
      }
    };
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
  return opened;
}

// Run one transaction; the promise is fulfilled when its change is on the disk.
async function change(store, act) {
  const database = await open();
  return new Promise((done, failed) => {
    const transaction = database.transaction(store, "readwrite", { durability: "strict" });
    const request = act(transaction.objectStore(store));
    transaction.oncomplete = () => done(request.result);
    transaction.onabort = () => failed(transaction.error);
  });
}

export const all = (store) => change(store, (rows) => rows.getAll());
export const one = (store, key) => change(store, (rows) => rows.get(key));
export const put = (store, row) => change(store, (rows) => rows.put(row));
export const remove = (store, key) => change(store, (rows) => rows.delete(key));

export async function removeOf(store, person) {
  const { keyPath } = STORES[store];
  const rows = (await all(store)).filter((row) => row.person === person);
  for (const row of rows) await remove(store, row[keyPath]);
}

export async function replace(store, rows) {
  await change(store, (kept) => {
    kept.clear();
    for (const row of rows) kept.put(row);
    return kept.count();
  });
}
