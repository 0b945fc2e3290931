// Search on every page. The index is a classic script of its own, read when it is first needed.
(function () {
  "use strict";
  var root = document.documentElement.dataset.root, make = window.iconograph.make;
  var FACETS = { p: "p", q: "q", verdict: "Verdict", field: "Field" };
  var MOST = 40;
  var items = null, dialog, input, list, count, selects = {};

  // ---- words, as people type them: no case, no accents, no signs
  function fold(text) {
    return text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  }
  function bare(text) {
    return fold(text).replace(/[^\p{L}\p{N}]+/gu, "");
  }
  function terms(name) {
    var parts = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").split(/[^\p{L}\p{N}]+/u);
    return parts.concat(name.split(/\s+/), [name]).map(bare).filter(Boolean);
  }

  // one letter more, less, other, or two of them exchanged
  function near(a, b) {
    var i = 0, j = 0;
    if (Math.abs(a.length - b.length) > 1) {
      return false;
    }
    while (i < a.length && a[i] === b[i]) {
      i++;
    }
    while (j < Math.min(a.length, b.length) - i && a[a.length - 1 - j] === b[b.length - 1 - j]) {
      j++;
    }
    var x = a.slice(i, a.length - j), y = b.slice(i, b.length - j);
    return (x.length <= 1 && y.length <= 1)
      || (x.length === 2 && y.length === 2 && x[0] === y[1] && x[1] === y[0]);
  }

  function match(word, term) {
    if (term === word) {
      return 8;
    }
    if (term.startsWith(word)) {
      return 4;
    }
    if (word.length > 2 && term.indexOf(word) > 0) {
      return 2;
    }
    if (word.length > 3 && (near(word, term) || near(word, term.slice(0, word.length)))) {
      return 1;
    }
    return 0;
  }

  function best(word, list, weight) {
    return list.reduce(function (found, term) {
      return Math.max(found, weight * match(word, term));
    }, 0);
  }

  // `q:cosine field:language info` -> facets and words
  function parse(query) {
    var found = { facets: {}, words: [] };
    query.split(/\s+/).forEach(function (part) {
      var pair = /^(p|q|verdict|field):(\S+)$/.exec(part);
      if (pair) {
        found.facets[pair[1]] = pair[2];
      } else if (bare(part)) {
        found.words.push(bare(part));
      }
    });
    return found;
  }

  function find(query) {
    var asked = parse(query), facets = Object.keys(asked.facets);
    if (!asked.words.length && !facets.length) {
      return [];
    }
    return items.map(function (item) {
      var fits = facets.every(function (key) {
        return item.facets[key] === asked.facets[key];
      });
      var score = fits ? 1 : 0;
      asked.words.forEach(function (word) {
        var one = Math.max(best(word, item.terms, 1), best(word, item.others, 0.6),
          best(word, item.about, 0.2));
        score = one ? score && score + one : 0;
      });
      return { item: item, score: score };
    }).filter(function (x) {
      return x.score > 0;
    }).sort(function (x, y) {
      return y.score - x.score || (y.item.type === "entry") - (x.item.type === "entry")
        || x.item.names[0].length - y.item.names[0].length
        || (x.item.names[0] < y.item.names[0] ? -1 : 1);
    }).map(function (x) {
      return x.item;
    });
  }

  window.iconograph.index = function (rows) {
    items = rows.map(function (r) {
      return { type: r[0], names: r[1], address: r[2], note: r[4], sign: r[5], facets: r[6],
        terms: [].concat.apply([], r[1].map(terms)), others: [].concat.apply([], r[3].map(terms)),
        about: terms(r[4]) };
    });
    Object.keys(FACETS).forEach(function (key) {
      var values = {};
      items.forEach(function (item) {
        if (item.facets[key]) {
          values[item.facets[key]] = true;
        }
      });
      Object.keys(values).sort().forEach(function (value) {
        selects[key].append(make("option", { value: value }, [value]));
      });
    });
    show();
  };

  // ---- the dialog
  function build() {
    input = make("input", { type: "search", id: "search-words", autocomplete: "off",
      spellcheck: "false", placeholder: "name, author, kernel, rule" });
    count = make("p", { id: "search-count", role: "status", "class": "more" });
    list = make("ul", { "class": "found" });
    var facets = Object.keys(FACETS).map(function (key) {
      selects[key] = make("select", { id: "search-" + key }, [
        make("option", { value: "" }, ["all"])
      ]);
      selects[key].addEventListener("change", function () {
        var others = input.value.split(/\s+/).filter(function (part) {
          return part && !part.startsWith(key + ":");
        });
        input.value = others.concat(selects[key].value ? [key + ":" + selects[key].value] : [])
          .join(" ");
        show();
      });
      return make("p", {}, [make("label", { "for": "search-" + key }, [FACETS[key]]), " ",
        selects[key]]);
    });
    var close = make("button", { type: "button" }, ["Close"]);
    close.addEventListener("click", function () {
      dialog.close();
    });
    dialog = make("dialog", { "class": "search", "aria-label": "Search" }, [
      make("div", { "class": "search-head" }, [
        make("label", { "for": "search-words" }, ["Search"]), input, close
      ]),
      make("div", { "class": "choose" }, facets), count, list
    ]);
    input.addEventListener("input", show);
    dialog.addEventListener("keydown", function (event) {
      var links = Array.from(list.querySelectorAll("a")), at = links.indexOf(document.activeElement);
      if (event.key === "Enter" && document.activeElement === input && links.length) {
        links[0].click();
      } else if (event.key === "ArrowDown" && (at >= 0 || document.activeElement === input)) {
        event.preventDefault();
        (links[at + 1] || links[at] || input).focus();
      } else if (event.key === "ArrowUp" && at >= 0) {
        event.preventDefault();
        (links[at - 1] || input).focus();
      }
    });
    // a click on a result of this very page closes the dialog, so that it can be seen
    list.addEventListener("click", function (event) {
      var link = event.target.closest("a");
      if (link && link.href.split("#")[0] === location.href.split(/[?#]/)[0]) {
        dialog.close();
      }
    });
    dialog.addEventListener("close", function () {
      remember("");
    });
    document.body.append(dialog);
  }

  function show() {
    var query = input.value;
    remember(query.trim());
    var asked = parse(query).facets;
    Object.keys(FACETS).forEach(function (key) {
      selects[key].value = asked[key] || "";
    });
    if (!items) {
      count.textContent = "The index is being read.";
      return;
    }
    var found = find(query);
    count.textContent = !query.trim() ? items.length + " entries, kernels, rules, gaps and functions of libraries"
      : found.length === 0
      ? "Nothing found. Of a formula that is not here, iconograph verify -f says which I-Con it is." : found.length === 1 ? "1 found"
        : found.length + " found" + (found.length > MOST ? ", the first " + MOST : "");
    list.replaceChildren.apply(list, found.slice(0, MOST).map(function (item) {
      var others = item.names.slice(1).join(", ");
      return make("li", {}, [
        make("a", { href: root + item.address }, [item.names[0]]), " ",
        make("span", { "class": "more" }, [
          item.type + (item.sign ? " " + item.sign : "") + (others ? ", " + others : "")
        ]),
        make("p", {}, [item.note])
      ]);
    }));
    dialog.dataset.ready = query;
  }

  function remember(query) {
    var url = new URL(location.href);
    if (query) {
      url.searchParams.set("q", query);
    } else {
      url.searchParams.delete("q");
    }
    try {
      history.replaceState(history.state, "", url);
    } catch (refused) {
      // the address of a page on disk may not be changed in some browsers; it only remembers
    }
  }

  function open(query) {
    if (!dialog) {
      build();
      var script = make("script", { src: root + "search-index.js" });
      script.addEventListener("error", function () {
        count.textContent = "The index cannot be read; A–Z lists every name.";
      });
      document.head.append(script);
    }
    if (!dialog.open) {
      dialog.showModal();
    }
    if (query !== undefined) {
      input.value = query;
    }
    input.select();
    show();
  }
  window.iconograph.search = open;

  var button = make("button", { type: "button", "aria-keyshortcuts": "/" }, ["Search"]);
  button.addEventListener("click", function () {
    open();
  });
  document.getElementById("tools").prepend(button);
  var look = document.querySelector("#look a");
  if (look) {
    look.addEventListener("click", function (event) {
      event.preventDefault();
      open();
    });
  }
  var asked = new URLSearchParams(location.search).get("q");
  if (asked) {
    open(asked);
  }
})();
