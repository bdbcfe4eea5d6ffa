// What a person is writing survives a reload; it is kept for this tab, until it was sent.
const FIELDS = ["choice", "strength", "reason", "body"];

function keyOf(form) {
  const about = form.elements.assignment ?? form.elements.kind;
  return about && `draft ${about.value}`;
}

export function keepDraft(form) {
  form.addEventListener("input", () => {
    const written = [...new FormData(form)].filter(([name]) => FIELDS.includes(name));
    sessionStorage.setItem(keyOf(form), JSON.stringify(written));
  });
}

export function fill(form, fields) {
  for (const [name, value] of fields) {
    const field = form.elements[name];
    if (field) field.value = value ?? "";
  }
}

export function restoreDraft(form) {
  fill(form, JSON.parse(sessionStorage.getItem(keyOf(form)) ?? "[]"));
}

export const forgetDraft = (form) => sessionStorage.removeItem(keyOf(form));
export const forgetText = (kind) => sessionStorage.removeItem(`draft ${kind}`);
export const forgetDrafts = () => sessionStorage.clear();
