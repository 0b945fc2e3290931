// Two entries side by side. Their files are classic scripts that call iconograph.side.
(function () {
  "use strict";
  var graph = JSON.parse(document.getElementById("graph").textContent);
  var place = document.getElementById("comparison");
  var root = document.documentElement.dataset.root, make = window.iconograph.make;
  var sides = {};

  window.iconograph.side = function (name, data) {
    sides[name] = data;
  };

  function entry(name) {
    var known = graph.entries[name];
    return make("span", { class: "entry" }, [
      make("a", { href: root + "methods/" + name + ".html" }, [known[0]]), " ",
      make("span", { class: "year" }, [String(known[1])]), " ",
      make("span", { class: "badge " + known[2], title: known[4] }, [
        make("span", { "aria-hidden": "true" }, [known[3]]),
        make("span", { class: "unseen" }, [known[4]])
      ])
    ]);
  }

  // ---- the longest common subsequence, as pairs of positions
  function common(a, b) {
    var best = [], i, j, out = [];
    for (i = a.length; i >= 0; i--) {
      best[i] = [];
      for (j = b.length; j >= 0; j--) {
        best[i][j] = i === a.length || j === b.length ? 0
          : a[i] === b[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
      }
    }
    for (i = 0, j = 0; i < a.length && j < b.length;) {
      if (a[i] === b[j]) {
        out.push([i++, j++]);
      } else if (best[i + 1][j] >= best[i][j + 1]) {
        i++;
      } else {
        j++;
      }
    }
    return out;
  }

  function gaps(a, b) {
    var i = 0, j = 0, out = [];
    common(a, b).concat([[a.length, b.length]]).forEach(function (pair) {
      if (pair[0] > i || pair[1] > j) {
        out.push([i, pair[0], j, pair[1]]);
      }
      i = pair[0] + 1;
      j = pair[1] + 1;
    });
    return out;
  }

  // ---- terms that differ are marked, as deep in a formula as they can be told apart
  function mark(one, other) {
    if (one.outerHTML === other.outerHTML) {
      return;
    }
    var a = Array.from(one.children), b = Array.from(other.children);
    if (one.tagName !== other.tagName || !a.length || !b.length) {
      one.classList.add("differs");
      other.classList.add("differs");
      return;
    }
    function html(x) {
      return x.outerHTML;
    }
    gaps(a.map(html), b.map(html)).forEach(function (gap) {
      var left = a.slice(gap[0], gap[1]), right = b.slice(gap[2], gap[3]), k = 0;
      if (left.length === right.length) {
        for (k = 0; k < left.length; k++) {
          mark(left[k], right[k]);
        }
        return;
      }
      left.concat(right).forEach(function (x) {
        x.classList.add("differs");
      });
    });
  }

  function words(text, other) {
    var a = text.split(/(\s+|[^\w.]|\d+)/).filter(Boolean);
    var b = other.split(/(\s+|[^\w.]|\d+)/).filter(Boolean);
    var out = [], at = 0;
    gaps(a, b).forEach(function (gap) {
      out.push(a.slice(at, gap[0]).join(""));
      if (gap[1] > gap[0]) {
        out.push(make("mark", {}, [a.slice(gap[0], gap[1]).join("")]));
      }
      at = gap[1];
    });
    return out.concat([a.slice(at).join("")]);
  }

  // ---- rows
  // each is its key, its text, the number of its form, and the formula, as far as there are such
  function rows(a, b) {
    var left = {}, right = {}, keys = [];
    a.forEach(function (row) {
      left[row[0]] = row;
      keys.push(row[0]);
    });
    var at = -1;
    b.forEach(function (row) {
      right[row[0]] = row;
      var found = keys.indexOf(row[0]);
      if (found < 0) {
        keys.splice(++at, 0, row[0]);
      } else {
        at = found;
      }
    });
    return keys.map(function (key) {
      var x = left[key], y = right[key];
      var same = x && y && x[1] === y[1], alike = x && y && x[2] && x[2] === y[2];
      return {
        label: key.slice(key.indexOf(" ") + 1), left: x, right: y,
        sign: same ? "" : alike ? "≈" : "≠"
      };
    });
  }

  function cell(row, name) {
    var box = make("td", { "data-of": name });
    if (!row) {
      box.textContent = "-";
    } else if (row[3]) {
      box.innerHTML = row[3]; // written by the catalog's printer, which escapes
    } else {
      box.textContent = row[1];
    }
    return box;
  }

  function table(a, b) {
    var body = make("tbody");
    var says = { "": "the same", "≈": "the same but for names", "≠": "different" };
    rows(sides[a].rows, sides[b].rows).forEach(function (row) {
      var left = cell(row.left, a), right = cell(row.right, b);
      var one = left.querySelector("math"), other = right.querySelector("math");
      if (row.sign && one && other) {
        mark(one, other);
      } else if (row.sign && row.left && row.right && !one && !other) {
        left.replaceChildren.apply(left, words(row.left[1], row.right[1]));
        right.replaceChildren.apply(right, words(row.right[1], row.left[1]));
      }
      body.append(make("tr", { class: row.sign === "≠" ? "other" : "alike" }, [
        make("th", { scope: "row" }, [row.label]),
        make("td", { class: "sign" }, [
          make("span", { "aria-hidden": "true" }, [row.sign || "="]),
          make("span", { class: "unseen" }, [says[row.sign]])
        ]), left, right
      ]));
    });
    var head = make("tr", {}, ["", "", a, b].map(function (text, k) {
      return make("th", { scope: "col" }, [
        text ? entry(text) : make("span", { class: "unseen" }, [k ? "sign" : "what is compared"])
      ]);
    }));
    return make("div", { class: "scroll", role: "region", "aria-label": "Rows", tabindex: "0" }, [
      make("table", { class: "data sides" }, [make("thead", {}, [head]), body])
    ]);
  }

  // ---- the answer in a sentence, from the rows
  function summary(a, b) {
    var marks = {}, texts = {};
    rows(sides[a].rows, sides[b].rows).forEach(function (row) {
      marks[row.label] = row.sign;
      texts[row.label] = [row.left, row.right].map(function (x) {
        return x ? x[1] : "none";
      });
    });
    function kernel(letter, row) {
      var names = texts[letter + " kernel"], sign = marks[row];
      if (sign === "≠") {
        return "different " + letter + (names[0] === names[1] ? "" : " (" + names.join(", ") + ")");
      }
      return "the same " + letter + (sign ? " but for names" : "");
    }
    var other = ["normalised", "anchors", "neighbours", "weights"].filter(function (label) {
      return marks[label] === "≠";
    });
    return "They have " + kernel("p", "p(j|i)") + " and " + kernel("q", "k(i,j)") + (other.length
      ? ", and differ in what these range over: " + other.join(", ") + "." : ", over the same.");
  }

  // ---- the path, as iconograph.compare finds it
  function around(name) {
    var mine = graph.entries[name], out = [];
    graph.edges.forEach(function (e) {
      if (e[0] === name || e[1] === name) {
        out.push(e);
      }
    });
    function implied(kind, other, label) {
      var a = name < other ? name : other, b = name < other ? other : name;
      var said = graph.words[kind].replace("{a}", a).replace("{b}", b).replace("{label}", label);
      out.push([a, b, kind, "", "computed", said]);
    }
    Object.keys(graph.entries).forEach(function (other) {
      var its = graph.entries[other];
      if (other === name || mine.length < 8 || its.length < 8) {
        return;
      }
      var p = mine[5] === its[5], q = mine[6] === its[6], setting = mine[7] === its[7];
      if (p) {
        implied("same-p", other, "");
      }
      if (q) {
        implied("same-q", other, "");
      }
      if (setting && p !== q) {
        implied("differs-in-one-kernel", other, p ? "q" : "p");
      }
    });
    return out.sort(function (x, y) {
      for (var k = 0; k < 4; k++) {
        if (x[k] !== y[k]) {
          return x[k] < y[k] ? -1 : 1;
        }
      }
      return 0;
    });
  }

  function path(start, end) {
    var queue = [[0, 0, start, []]], done = {}, count = 0;
    function before(x, y) {
      return x[0] - y[0] || x[1] - y[1];
    }
    while (queue.length) {
      queue.sort(before);
      var next = queue.shift(), here = next[2], way = next[3];
      if (here === end) {
        return way;
      }
      if (done[here] || way.length === graph.longest) {
        continue;
      }
      done[here] = true;
      around(here).forEach(function (e) {
        var there = e[0] === here ? e[1] : e[0];
        // a kernel in common joins the two ends themselves, or nothing
        if (graph.shared.indexOf(e[2]) >= 0 && !(here === start && there === end)) {
          return;
        }
        if (!done[there]) {
          var cost = graph.costs[e[2]] || graph.other;
          queue.push([next[0] + cost, ++count, there, way.concat([e])]);
        }
      });
    }
    return [];
  }

  function edges(list) {
    return make("ol", { class: "path" }, list.map(function (e) {
      return make("li", {}, [e[5], " ", make("span", { class: "status" }, [
        e[4] === "computed" ? "follows from the pairs" : e[4]
      ])]);
    }));
  }

  function ways(a, b) {
    var found = path(a, b), out = [make("h2", {}, ["What is known between them"])];
    if (a !== b && !found.length) {
      out.push(make("p", {}, ["Nothing that is claimed or proved leads from one to the other in at most "
        + graph.longest + " steps. What differs stands below."]));
    } else if (found.length) {
      var sure = found.every(function (e) {
        return e[4] === "proved" || e[4] === "computed";
      });
      out.push(edges(found), make("p", { class: "more" }, [
        sure ? "Every step is proved, or follows from the two pairs." : "Not every step is proved."
      ]));
    }
    var also = graph.edges.filter(function (e) {
      return found.indexOf(e) < 0 && ((e[0] === a && e[1] === b) || (e[0] === b && e[1] === a));
    });
    if (also.length) {
      out.push(make("p", {}, ["Besides:"]), edges(also));
    }
    return out;
  }

  // ---- code
  function program(name) {
    return sides[name].code.map(function (line) {
      return typeof line === "number" ? graph.lines[line] : line;
    }).join("\n");
  }

  function code(a, b) {
    var one = program(a), other = program(b), lines = [];
    if (!one || !other) {
      return [make("p", { class: "more" }, [
        "Of " + (one ? b : other ? a : a + " and " + b) + " no program is generated."
      ])];
    }
    var x = one.split("\n"), y = other.split("\n"), at = 0;
    function add(sign, kind, text) {
      lines.push(make("span", { class: kind }, [sign + " " + text + "\n"]));
    }
    gaps(x, y).concat([[x.length, x.length, y.length, y.length]]).forEach(function (gap) {
      x.slice(at, gap[0]).forEach(function (line) {
        add(" ", "kept", line);
      });
      x.slice(gap[0], gap[1]).forEach(function (line) {
        add("-", "out", line);
      });
      y.slice(gap[2], gap[3]).forEach(function (line) {
        add("+", "in", line);
      });
      at = gap[1];
    });
    return [
      make("p", { class: "more" }, ["Lines of " + a + " only begin with -, those of " + b + " only with +."]),
      make("pre", { class: "diff", tabindex: "0" }, [make("code", {}, lines)])
    ];
  }

  // ---- what the address asks for
  function show(a, b) {
    var only = make("input", { type: "checkbox", id: "only" });
    only.addEventListener("change", function () {
      place.classList.toggle("only", only.checked);
    });
    document.title = a + " and " + b + " · iconograph";
    place.replaceChildren.apply(place, [
      make("h2", {}, [graph.entries[a][0] + " and " + graph.entries[b][0]]),
      make("p", { "class": "lead" }, [a === b ? "They are one." : summary(a, b)])
    ].concat(a === b ? [] : ways(a, b), [
      make("h2", {}, ["Side by side"]),
      make("p", {}, [only, " ", make("label", { for: "only" }, ["Show differences only"])]),
      table(a, b), make("h2", {}, ["Their programs in NumPy"])
    ], code(a, b)));
    place.dataset.ready = a + " " + b;
  }

  function load(names, then) {
    var left = names.length;
    names.forEach(function (name) {
      var script = make("script", { src: root + "compare/" + encodeURIComponent(name) + ".js" });
      script.addEventListener("load", function () {
        if (--left === 0) {
          then();
        }
      });
      script.addEventListener("error", function () {
        place.textContent = "The file of " + name + " cannot be read.";
      });
      document.head.append(script);
    });
  }

  function paired(name) {
    return Object.prototype.hasOwnProperty.call(graph.entries, name)
      && graph.entries[name].length >= 8;
  }
  // an id, or a name as people type it, whole or up to its comma
  function meant(text) {
    var wanted = text.trim().toLowerCase();
    return paired(text) || !wanted ? text : Object.keys(graph.entries).find(function (id) {
      var name = graph.entries[id][0].toLowerCase();
      return paired(id) && [id, name, name.split(",")[0]].indexOf(wanted) >= 0;
    }) || text;
  }
  var asked = new URLSearchParams(location.search);
  var a = meant(asked.get("a") || ""), b = meant(asked.get("b") || "");
  document.getElementById("left").value = a;
  document.getElementById("right").value = b;
  if (a || b) {
    var unknown = [a, b].filter(function (name) {
      return name && !paired(name);
    });
    if (unknown.length) {
      place.append(make("p", { role: "alert" }, [
        "No entry with a pair is called " + unknown.map(function (name) {
          return "“" + name + "”";
        }).join(" or ") + "; choose from the list."
      ]));
    } else if (!a || !b) {
      document.getElementById(a ? "right" : "left").focus();
    } else {
      load(a === b ? [a] : [a, b], function () {
        show(a, b);
      });
    }
  }
})();
