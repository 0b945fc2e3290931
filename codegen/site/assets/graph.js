// The graph, one node at a time. Draws by the rules of codegen/site/picture.py, to the pixel.
(function () {
  "use strict";
  var SVG = "http://www.w3.org/2000/svg";
  var place = document.getElementById("net");
  var root = document.documentElement.dataset.root, make = window.iconograph.make;
  var there = place.dataset.pages.split(" ");
  var choices = JSON.parse(document.getElementById("net-choices").textContent);
  var kinds, sizes, nodes = {}, order = [], state;

  window.iconograph.network = function (data) {
    sizes = data.sizes;
    kinds = data.kinds.map(function (k, n) {
      return { name: k[0], words: k[1], out: k[2], back: k[3], side: k[4], directed: k[5],
        shown: k[6], place: n };
    });
    data.nodes.forEach(function (n) {
      order.push(n[0]);
      nodes[n[0]] = { id: n[0], type: n[1], label: n[2], name: n[3], address: n[4], field: n[5],
        year: n[6], verdict: n[7], sign: n[8], said: n[9], near: [] };
    });
    data.edges.forEach(function (e) {
      var source = nodes[order[e[0]]], target = nodes[order[e[1]]];
      var edge = { kind: kinds[e[2]], status: e[3] || "", sentence: e[4] || "" };
      source.near.push({ other: target, edge: edge, incoming: false });
      target.near.push({ other: source, edge: edge, incoming: true });
    });
    tools();
    read();
    show();
  };

  function draw(tag, attributes, parts) {
    return window.iconograph.fill(document.createElementNS(SVG, tag), attributes, parts);
  }
  function page(node) {
    var path = node.address.split("#")[0];
    return node.type === "method" || there.indexOf(path) >= 0 ? root + node.address : "";
  }

  // ---- what is asked for, which is in the address
  function read() {
    var asked = new URLSearchParams(location.search);
    var focus = asked.get("focus") || place.dataset.focus;
    var known = Object.prototype.hasOwnProperty.call(nodes, focus);
    var off = {};
    kinds.forEach(function (k) {
      off[k.name] = !k.shown;
    });
    (asked.get("edges") || "").split(",").forEach(function (word) {
      var name = word.slice(1);
      if (name in off) {
        off[name] = word[0] === "-";
      }
    });
    state = {
      focus: known ? focus : place.dataset.focus, unknown: known ? "" : focus, off: off,
      depth: asked.get("depth") === "2" ? 2 : 1, at: asked.get("at") || "",
      field: asked.get("field") || "", verdict: asked.get("verdict") || ""
    };
  }

  function address(changes) {
    var next = Object.assign({}, state, changes), asked = new URLSearchParams();
    asked.set("focus", next.focus);
    asked.set("depth", String(next.depth));
    var edges = kinds.filter(function (k) {
      return next.off[k.name] === k.shown;
    }).map(function (k) {
      return (next.off[k.name] ? "-" : "+") + k.name;
    });
    if (edges.length) {
      asked.set("edges", edges.join(","));
    }
    ["field", "verdict", "at"].forEach(function (key) {
      if (next[key]) {
        asked.set(key, next[key]);
      }
    });
    return "?" + asked.toString().replace(/%3A/g, ":").replace(/%2C/g, ",");
  }

  function go(changes, quietly) {
    var to = address(changes);
    state = Object.assign({}, state, { unknown: "" }, changes);
    try {
      history[quietly ? "replaceState" : "pushState"](null, "", to);
    } catch (refused) {
      location.assign(to); // where a page on disk may not change its address
      return;
    }
    show();
  }
  addEventListener("popstate", function () {
    read();
    show();
  });

  // ---- which neighbours there are, and where they stand
  function wanted(node) {
    if (node.type !== "method") {
      return true;
    }
    return (!state.field || node.field === state.field)
      && (!state.verdict || node.verdict === state.verdict);
  }

  function groups(node) {
    var near = node.near.filter(function (n) {
      return wanted(n.other);
    });
    var shown = near.filter(function (n) {
      return !state.off[n.edge.kind.name];
    });
    if (!shown.length && near.every(function (n) {
      return !n.edge.kind.shown;
    })) {
      shown = near;
    }
    var found = {};
    shown.forEach(function (n) {
      var k = n.edge.kind, incoming = n.incoming && k.side !== "";
      var key = 2 * k.place + (incoming ? 1 : 0);
      var turned = { left: "right", right: "left", "": "" };
      found[key] = found[key] || { kind: k, caption: incoming ? k.back : k.out,
        side: incoming ? turned[k.side] : k.side, near: [] };
      found[key].near.push(n);
    });
    return Object.keys(found).map(Number).sort(function (x, y) {
      return x - y;
    }).map(function (key) {
      found[key].near.sort(function (x, y) {
        var a = x.other.label.toLowerCase(), b = y.other.label.toLowerCase();
        return a < b ? -1 : a > b ? 1 : x.other.id < y.other.id ? -1 : x.other.id > y.other.id ? 1 : 0;
      });
      return found[key];
    });
  }

  function firsts(lists) {
    var seen = {};
    return lists.map(function (list) {
      return list.near.map(function (n) {
        return n.other;
      }).filter(function (n) {
        var fresh = !Object.prototype.hasOwnProperty.call(seen, n.id);
        seen[n.id] = true;
        return fresh;
      });
    });
  }

  function limit(counts, most) {
    for (var c = most; c > 1; c--) {
      var sum = counts.reduce(function (all, n) {
        return all + Math.min(n, c);
      }, 0);
      if (sum <= most) {
        return c;
      }
    }
    return 1;
  }

  function tall(column) {
    return column.reduce(function (all, part) {
      return all + sizes.head + sizes.row * part[1].length;
    }, 0);
  }

  function columns(lists, drawn) {
    var found = { left: [], right: [] };
    var here = lists.map(function (list, k) {
      return [list, drawn[k]];
    }).filter(function (pair) {
      return pair[1].length;
    });
    here.forEach(function (pair) {
      if (pair[0].side) {
        found[pair[0].side].push([pair[0].caption, pair[1]]);
      }
    });
    here.forEach(function (pair) {
      if (!pair[0].side) {
        var side = tall(found.left) <= tall(found.right) ? "left" : "right";
        found[side].push([pair[0].caption, pair[1]]);
      }
    });
    [["left", "right"], ["right", "left"]].forEach(function (pair) {
      var whole = found[pair[0]];
      var count = whole.reduce(function (all, part) {
        return all + part[1].length;
      }, 0);
      if (!found[pair[1]].length && count > sizes.alone) {
        found[pair[0]] = whole.map(function (part) {
          return [part[0], part[1].slice(0, Math.ceil(part[1].length / 2))];
        });
        found[pair[1]] = whole.filter(function (part) {
          return part[1].length > 1;
        }).map(function (part) {
          return [part[0], part[1].slice(Math.ceil(part[1].length / 2))];
        });
      }
    });
    return found;
  }

  // ---- what is drawn
  function line(edge, source, target, shift) {
    var right = target.x > source.x;
    var x1 = right ? source.x + sizes.box : source.x, x2 = right ? target.x : target.x + sizes.box;
    var y1 = source.y + shift, y2 = target.y + shift, turn = Math.floor((x1 + x2) / 2);
    var step = right ? -7 : 7, directed = edge.kind.directed;
    var kind = "k-" + edge.kind.name, ends = source.node.id + " " + target.node.id;
    var parts = [draw("path", { "class": kind, "data-ends": ends, d: "M" + x1 + " " + y1 + "C" + turn + " " + y1 + " " + turn + " "
      + y2 + " " + (x2 + (directed ? step : 0)) + " " + y2 })];
    if (directed) {
      parts.push(draw("path", { "class": "head " + kind, "data-ends": ends,
        d: "M" + x2 + " " + y2 + "l" + step + " -4v8z" }));
    }
    return parts;
  }

  function box(b, focus) {
    var n = b.node, parts = [
      draw("rect", { width: sizes.box, height: 26 })
    ];
    if (n.field) {
      parts.push(draw("path", { "class": "f-" + n.field, d: "M5 5v16" }));
    }
    var words = n.type === "p" || n.type === "q"
      ? [draw("tspan", {}, [n.type]), " " + n.label] : [n.label];
    parts.push(draw("text", { x: 14, y: 17 }, words));
    if (n.sign) {
      parts.push(draw("text", { "aria-hidden": "true", "class": n.verdict,
        x: sizes.box - 16, y: 17 }, [n.sign]));
    }
    var href = page(n), name = "box " + n.type + (focus ? " focus" : "");
    if (n.id === state.at) {
      name += " at";
    }
    var found = draw(href ? "a" : "g", { "class": name, "data-id": n.id,
      transform: "translate(" + b.x + " " + (b.y - 13) + ")" }, parts);
    if (href) {
      found.setAttribute("href", href);
    }
    return found;
  }

  function picture(lists) {
    var focus = nodes[state.focus], first = firsts(lists);
    var cap = limit(first.map(function (list) {
      return list.length;
    }), sizes.most);
    var cols = columns(lists, first.map(function (list) {
      return list.slice(0, cap);
    }));
    var out = state.depth === 2 ? further(cols) : { left: [], right: [] };
    var step = sizes.box + sizes.gap, far = out.left.length + out.right.length ? step : 0;
    var most = Math.max(sizes.row * 4, tall(cols.left), tall(cols.right),
      out.left.length * sizes.row, out.right.length * sizes.row);
    var height = most + 2 * sizes.edge, middle = Math.floor(height / 2);
    var at = { node: focus, x: sizes.edge + far + step, y: middle };
    var boxes = [at], captions = [], lines = draw("g", { "aria-hidden": "true" });
    ["left", "right"].forEach(function (side) {
      var x = side === "left" ? sizes.edge + far : sizes.edge + far + 2 * step;
      var y = middle - Math.floor(tall(cols[side]) / 2);
      cols[side].forEach(function (part) {
        captions.push(draw("text", { "class": side === "left" ? "caption end" : "caption",
          x: x + (side === "left" ? sizes.box : 0), y: y + 18 }, [part[0]]));
        y += sizes.head;
        part[1].forEach(function (node) {
          boxes.push({ node: node, x: x, y: y + Math.floor(sizes.row / 2) });
          y += sizes.row;
        });
      });
    });
    var placed = {}, met = {}, drawn = boxes.length - 1;
    boxes.forEach(function (b) {
      placed[b.node.id] = b;
    });
    lists.forEach(function (list) {
      list.near.forEach(function (n) {
        var other = placed[n.other.id];
        var before = met[n.other.id] = met[n.other.id] || [];
        if (other && before.indexOf(n.edge.kind.name) < 0) {
          before.push(n.edge.kind.name);
          var shift = 5 * (before.length - 1);
          lines.append.apply(lines, n.incoming ? line(n.edge, other, at, shift)
            : line(n.edge, at, other, shift));
        }
      });
    });
    ["left", "right"].forEach(function (side) {
      var x = side === "left" ? sizes.edge : sizes.edge + far + 3 * step;
      var y = middle - Math.floor(out[side].length * sizes.row / 2);
      out[side].forEach(function (found) {
        var b = { node: found.other, x: x, y: y + Math.floor(sizes.row / 2) };
        var parent = placed[found.parent];
        boxes.push(b);
        y += sizes.row;
        lines.append.apply(lines, found.incoming ? line(found.edge, b, parent, 0)
          : line(found.edge, parent, b, 0));
      });
    });
    var width = 2 * sizes.edge + 3 * sizes.box + 2 * sizes.gap + 2 * far;
    var svg = draw("svg", { viewBox: "0 0 " + width + " " + height, width: width, height: height },
      [lines].concat(captions, boxes.map(function (b) {
        return box(b, b === at);
      })));
    if (far) {
      svg.classList.add("far");
    }
    return { svg: svg, drawn: drawn, far: boxes.length - 1 - drawn };
  }

  // a step further out: the neighbours of what is drawn, as many of each as there is room for
  function further(cols) {
    var seen = {}, out = {};
    seen[state.focus] = true;
    ["left", "right"].forEach(function (side) {
      cols[side].forEach(function (part) {
        part[1].forEach(function (node) {
          seen[node.id] = true;
        });
      });
    });
    ["left", "right"].forEach(function (side) {
      var found = [];
      cols[side].forEach(function (part) {
        part[1].forEach(function (node) {
          var here = [];
          groups(node).forEach(function (list) {
            list.near.forEach(function (n) {
              if (!Object.prototype.hasOwnProperty.call(seen, n.other.id)) {
                seen[n.other.id] = true;
                here.push({ other: n.other, edge: n.edge, incoming: n.incoming, parent: node.id });
              }
            });
          });
          found.push(here);
        });
      });
      var cap = limit(found.map(function (list) {
        return list.length;
      }), sizes.most);
      out[side] = [].concat.apply([], found.map(function (list) {
        return list.slice(0, cap);
      })).slice(0, sizes.most);
    });
    return out;
  }

  function list(lists) {
    var found = [];
    lists.forEach(function (group) {
      found.push(make("h3", {}, [sample(group.kind), " " + group.caption]));
      found.push(make("ul", {}, group.near.map(function (n) {
        var href = page(n.other), parts = [
          href ? make("a", { href: href }, [n.other.label]) : make("span", {}, [n.other.label])
        ];
        if (n.other.sign) {
          parts.push(" ", make("b", { "class": n.other.verdict, "aria-hidden": "true" }, [n.other.sign]));
        }
        if (n.edge.sentence) {
          parts.push(make("p", {}, [n.edge.sentence + " ", make("span", { "class": "status" }, [
            n.edge.status === "computed" ? "follows from the formulas" : n.edge.status
          ])]));
        }
        var found = make("li", { "data-id": n.other.id }, parts);
        if (n.other.id === state.at) {
          found.className = "at";
          found.append(make("p", { "class": "net-go" }, [
            make("button", { type: "button", "data-focus": n.other.id }, ["Focus here"])
          ]));
        }
        return found;
      })));
    });
    return found;
  }

  function sample(kind) {
    var name = "k-" + kind.name;
    var parts = [draw("path", { "class": name, d: "M0 5H" + (kind.directed ? 37 : 44) })];
    if (kind.directed) {
      parts.push(draw("path", { "class": "head " + name, d: "M44 5l-7 -4v8z" }));
    }
    return draw("svg", { "class": "sample", viewBox: "0 0 44 10", width: 44, height: 10,
      "aria-hidden": "true" }, parts);
  }

  // ---- showing, and one selection for both
  function show() {
    var focus = nodes[state.focus], lists = groups(focus), found = picture(lists);
    var all = {}, box = make("div", { "class": "picture", role: "group", tabindex: "0",
      "aria-label": focus.name + " and what is around it" }, [found.svg]);
    lists.forEach(function (list) {
      list.near.forEach(function (n) {
        all[n.other.id] = true;
      });
    });
    document.getElementById("net-name").textContent = "Around " + focus.name;
    document.getElementById("net-picture").replaceChildren(box);
    document.getElementById("net-count").textContent = found.drawn + " of "
      + Object.keys(all).length + " neighbours are drawn"
      + (found.far ? ", and " + found.far + " a step further." : ".")
      + (state.unknown ? " There is no node “" + state.unknown + "”." : "");
    document.getElementById("net-list").replaceChildren.apply(
      document.getElementById("net-list"), list(lists));
    place.querySelector(".net").classList.toggle("wider", state.depth === 2);
    box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2;
    document.title = focus.name + " · graph · iconograph";
    sync();
    place.dataset.ready = state.focus + " " + state.depth;
  }

  function light(id) {
    place.querySelectorAll(".near").forEach(function (x) {
      x.classList.remove("near");
    });
    if (id) {
      place.querySelectorAll("#net-picture [data-id], #net-list [data-id]").forEach(function (x) {
        x.classList.toggle("near", x.dataset.id === id);
      });
      place.querySelectorAll("#net-picture [data-ends]").forEach(function (x) {
        x.classList.toggle("near", x.dataset.ends.split(" ").indexOf(id) >= 0);
      });
    }
  }
  ["mouseover", "focusin"].forEach(function (kind) {
    place.addEventListener(kind, function (event) {
      var at = event.target.closest("[data-id]");
      light(at && at.dataset.id !== state.focus ? at.dataset.id : state.at);
    });
  });

  // the first click on a box selects it, in the list too; the second follows the link
  place.addEventListener("click", function (event) {
    var to = event.target.closest("[data-focus]");
    if (to && to !== place) {
      go({ focus: to.dataset.focus, at: "" });
      document.querySelector("#net-picture .focus").focus();
      return;
    }
    var at = event.target.closest("#net-picture [data-id]");
    var plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (at && plain && at.dataset.id !== state.at && at.dataset.id !== state.focus) {
      event.preventDefault();
      select(at.dataset.id);
    }
  });
  function select(id) {
    go({ at: id }, true);
    light(id);
    var item = document.querySelector("#net-list .at"), box = document.querySelector("#net-picture .at");
    if (item) {
      item.scrollIntoView({ block: "nearest" });
    }
    if (box) {
      box.focus({ preventScroll: true });
    }
  }
  addEventListener("keydown", function (event) {
    if (event.key === "Escape" && state && state.at && !document.querySelector("dialog[open]")) {
      go({ at: "" }, true);
    }
  });
  place.addEventListener("dblclick", function (event) {
    var at = event.target.closest("#net-picture [data-id]");
    if (at) {
      go({ focus: at.dataset.id, at: "" });
    }
  });

  // ---- filters
  var controls = {};
  function option(text, value) {
    return make("option", { value: value }, [text]);
  }
  function choice(name, label, options) {
    controls[name] = make("select", { id: "net-" + name + "-choice" }, options);
    controls[name].addEventListener("change", function () {
      var changes = {};
      changes[name] = name === "depth" ? Number(controls[name].value) : controls[name].value;
      go(changes);
    });
    return make("p", {}, [
      make("label", { "for": controls[name].id }, [label]), " ", controls[name]
    ]);
  }
  function tools() {
    var input = make("input", { id: "net-focus", list: "net-names", autocomplete: "off",
      spellcheck: "false" });
    var names = make("datalist", { id: "net-names" }, order.map(function (id) {
      return option(nodes[id].name, id);
    }));
    var form = make("form", { "class": "choose" }, [
      make("p", {}, [make("label", { "for": "net-focus" }, ["Focus"]), " ", input, names]),
      choice("depth", "Steps", [option("1", "1"), option("2", "2")]),
      choice("field", "Field", [option("all", "")].concat(choices.fields.map(function (f) {
        return option(f, f);
      }))),
      choice("verdict", "Verdict", [option("all", "")].concat(choices.verdicts.map(function (v) {
        return option(v[1], v[0]);
      })))
    ]);
    function refocus() {
      var words = input.value.trim(), id = words;
      if (!Object.prototype.hasOwnProperty.call(nodes, id)) {
        id = order.find(function (name) {
          return [name, nodes[name].label, nodes[name].name].some(function (text) {
            return text.toLowerCase() === words.toLowerCase();
          });
        }) || "";
      }
      if (Object.prototype.hasOwnProperty.call(nodes, id) && id !== state.focus) {
        go({ focus: id, at: "" });
      }
    }
    input.addEventListener("change", refocus);
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      refocus();
    });
    controls.focus = input;
    var boxes = make("fieldset", { "class": "net-kinds" }, [make("legend", {}, ["Edges"])]
      .concat(kinds.map(function (k) {
        var tick = make("input", { type: "checkbox", value: k.name });
        tick.addEventListener("change", function () {
          var off = Object.assign({}, state.off);
          off[k.name] = !tick.checked;
          go({ off: off });
        });
        controls["edge " + k.name] = tick;
        return make("label", {}, [tick, " ", sample(k), " " + k.words]);
      })));
    document.getElementById("net-tools").replaceChildren(form, boxes);
    document.querySelector(".net-legend").remove(); // the choices of edges are one
  }
  function sync() {
    controls.focus.value = state.focus;
    controls.depth.value = String(state.depth);
    controls.field.value = state.field;
    controls.verdict.value = state.verdict;
    kinds.forEach(function (k) {
      controls["edge " + k.name].checked = !state.off[k.name];
    });
  }

  document.head.append(make("script", { src: place.dataset.src }));
})();
