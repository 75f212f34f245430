"use strict";
(() => {
  const form = document.getElementById("filter");
  if (!form) return;
  const rows = [...document.querySelectorAll("tr[data-codes]")];
  const there = new Set(rows.flatMap((row) => row.dataset.codes.split(" ")));
  const count = form.querySelector("output b");
  const show = () => {
    const code = form.elements.code.value;
    const state = form.elements.state.value;
    let seen = 0;
    for (const row of rows) {
      const wanted =
        (!code || row.dataset.codes.split(" ").includes(code)) && (!state || row.dataset.state === state);
      row.hidden = !wanted;
      seen += wanted ? 1 : 0;
    }
    count.textContent = seen;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const choice of [...form.elements.code.options]) {
    if (choice.value && !there.has(choice.value)) choice.remove();
  }
  for (const link of document.querySelectorAll("a[data-code]")) {
    if (!there.has(link.dataset.code)) continue;
    link.addEventListener("click", () => {
      form.elements.code.value = link.dataset.code;
      show();
    });
  }
  form.hidden = false;
  show();
})();
