/** For browsers that know no modules: instead of the chat, the way to the search. */
(function () {
  /** @type {HTMLScriptElement | null} */
  var tag = document.querySelector("script[data-molsys-chat]");
  var search = tag && tag.getAttribute("data-search");
  if (!tag || !search) return;
  var link = document.createElement("a");
  link.style.cssText = "position:fixed;right:1em;bottom:1em;padding:.5em 1em;background:#fff";
  link.href = (tag.getAttribute("data-root") || tag.src.replace(/([^/]+\/){2}[^/]*$/, "")) + search;
  link.appendChild(document.createTextNode(tag.getAttribute("data-outdated") || "This browser is too old for the chat. Search the documentation instead."));
  document.body.appendChild(link);
})();
