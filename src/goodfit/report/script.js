"use strict";
(function () {
  var root = document.documentElement;
  var choices = document.querySelectorAll("input[name=lang]");
  function show(lang) { root.lang = lang; }
  choices.forEach(function (choice) {
    if (location.hash === "#" + choice.value) { choice.checked = true; }
    if (choice.checked) { show(choice.value); }
    choice.addEventListener("change", function () { show(choice.value); });
  });
  var folded = [];
  window.addEventListener("beforeprint", function () {
    folded = Array.from(document.querySelectorAll("details:not([open])"));
    folded.forEach(function (part) { part.open = true; });
  });
  window.addEventListener("afterprint", function () {
    folded.forEach(function (part) { part.open = false; });
  });
})();
