"""Small SVG drawing kit: shapes, gradients, shadows and textile ornaments.

Every helper returns a piece of SVG text. Gradients, patterns and clip paths
are collected in the current sheet and written into <defs>.
"""

import colorsys
import math
import random

SIZE = 640


class Sheet:
    def __init__(self):
        self.defs = []
        self.count = 0

    def add(self, template):
        """Store a definition; `{id}` in the template becomes its name."""
        self.count += 1
        name = f"d{self.count}"
        self.defs.append(template.replace("{id}", name))
        return name


sheet = Sheet()


def new_sheet():
    global sheet
    sheet = Sheet()
    return sheet


# --- colours ---------------------------------------------------------------

def _rgb(c):
    c = c.lstrip("#")
    return [int(c[i:i + 2], 16) / 255 for i in (0, 2, 4)]


def mix(a, b, t):
    x, y = _rgb(a), _rgb(b)
    return "#" + "".join(f"{round((p + (q - p) * t) * 255):02x}" for p, q in zip(x, y))


def dark(c, t=0.2):
    h, l, s = colorsys.rgb_to_hls(*_rgb(c))
    rgb = colorsys.hls_to_rgb(h, max(0, l * (1 - t)), s)
    return "#" + "".join(f"{round(p * 255):02x}" for p in rgb)


def light(c, t=0.2):
    return mix(c, "#ffffff", t)


# --- shapes ----------------------------------------------------------------

def _attrs(k):
    return "".join(f' {n.replace("_", "-")}="{v}"' for n, v in k.items())


def R(x, y, w, h, f, r=0, **k):
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="{r}" fill="{f}"{_attrs(k)}/>'


def C(x, y, r, f, **k):
    return f'<circle cx="{x}" cy="{y}" r="{r}" fill="{f}"{_attrs(k)}/>'


def E(x, y, rx, ry, f, **k):
    return f'<ellipse cx="{x}" cy="{y}" rx="{rx}" ry="{ry}" fill="{f}"{_attrs(k)}/>'


def P(d, f, **k):
    return f'<path d="{d}" fill="{f}"{_attrs(k)}/>'


def L(d, c, w=4, **k):
    k.setdefault("stroke_linecap", "round")
    k.setdefault("stroke_linejoin", "round")
    return f'<path d="{d}" fill="none" stroke="{c}" stroke-width="{w}"{_attrs(k)}/>'


def PG(points, f, **k):
    return P("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z", f, **k)


def T(x, y, text, size, f, weight="bold", anchor="middle", **k):
    return (f'<text x="{x}" y="{y}" font-family="DejaVu Sans" font-size="{size}" '
            f'font-weight="{weight}" text-anchor="{anchor}" fill="{f}"{_attrs(k)}>{text}</text>')


def G(inner, tr="", **k):
    if isinstance(inner, (list, tuple)):
        inner = "".join(inner)
    t = f' transform="{tr}"' if tr else ""
    return f"<g{t}{_attrs(k)}>{inner}</g>"


def J(*parts):
    return "".join(p if isinstance(p, str) else "".join(p) for p in parts)


# --- paint -----------------------------------------------------------------

def lg(a, b, angle="v", mid=None):
    x2, y2 = {"v": (0, 1), "h": (1, 0), "d": (1, 1)}[angle]
    stops = f'<stop offset="0" stop-color="{a}"/>'
    if mid:
        stops += f'<stop offset="0.5" stop-color="{mid}"/>'
    stops += f'<stop offset="1" stop-color="{b}"/>'
    n = sheet.add(f'<linearGradient id="{{id}}" x1="0" y1="0" x2="{x2}" y2="{y2}">{stops}</linearGradient>')
    return f"url(#{n})"


def rg(a, b, cx=0.4, cy=0.35, r=0.75):
    n = sheet.add(f'<radialGradient id="{{id}}" cx="{cx}" cy="{cy}" r="{r}"><stop offset="0" stop-color="{a}"/>'
                  f'<stop offset="1" stop-color="{b}"/></radialGradient>')
    return f"url(#{n})"


def metal(c="#c9ced6"):
    n = sheet.add(f'<linearGradient id="{{id}}" x1="0" y1="0" x2="1" y2="0"><stop offset="0" stop-color="{dark(c, .25)}"/>'
                  f'<stop offset="0.25" stop-color="{light(c, .55)}"/><stop offset="0.55" stop-color="{c}"/>'
                  f'<stop offset="1" stop-color="{dark(c, .35)}"/></linearGradient>')
    return f"url(#{n})"


def tube(c):
    """Horizontal shading of a round body."""
    n = sheet.add(f'<linearGradient id="{{id}}" x1="0" y1="0" x2="1" y2="0"><stop offset="0" stop-color="{dark(c, .22)}"/>'
                  f'<stop offset="0.3" stop-color="{light(c, .22)}"/><stop offset="0.65" stop-color="{c}"/>'
                  f'<stop offset="1" stop-color="{dark(c, .3)}"/></linearGradient>')
    return f"url(#{n})"


def clip(shape, inner):
    n = sheet.add(f'<clipPath id="{{id}}">{shape}</clipPath>')
    return f'<g clip-path="url(#{n})">{J(inner)}</g>'


def blur(inner, s=12):
    n = sheet.add(f'<filter id="{{id}}" x="-60%" y="-60%" width="220%" height="220%">'
                  f'<feGaussianBlur stdDeviation="{s}"/></filter>')
    return f'<g filter="url(#{n})">{inner}</g>'


def pattern(w, h, inner, tr=""):
    t = f' patternTransform="{tr}"' if tr else ""
    n = sheet.add(f'<pattern id="{{id}}" width="{w}" height="{h}" patternUnits="userSpaceOnUse"{t}>{inner}</pattern>')
    return f"url(#{n})"


def shadow(cx, cy, rx, ry=16, c="#2b2440", o=0.28):
    return blur(E(cx, cy, rx, ry, c, opacity=o), 10)


# --- ornaments -------------------------------------------------------------

def _feather(cx, cy, w, h, f, rnd, step=4, jag=5):
    """A lozenge with teeth along the warp, the way abr cloth is dyed."""
    top, bot = [], []
    x = -w
    while x < w:
        hh = h * (1 - abs(x + step / 2) / w)
        t, b = hh + rnd.uniform(-jag, jag), hh + rnd.uniform(-jag, jag)
        top += [(cx + x, cy - max(t, 0)), (cx + x + step, cy - max(t, 0))]
        bot += [(cx + x, cy + max(b, 0)), (cx + x + step, cy + max(b, 0))]
        x += step
    return PG(top + bot[::-1], f)


def ikat(cols, seed=1, w=96, h=150, tr="", step=4):
    """cols: ground, ring, body, heart, accent."""
    g, a, b, c, d = cols
    rnd = random.Random(seed)
    o = [R(0, 0, w, h, g)]
    for cx, cy in ((0, 0), (w, 0), (0, h), (w, h)):
        rnd2 = random.Random(seed + 7)
        o += [_feather(cx, cy, w * .42, h * .36, d, rnd2, step), _feather(cx, cy, w * .27, h * .22, a, rnd2, step),
              _feather(cx, cy, w * .12, h * .1, g, rnd2, step)]
    o += [_feather(w / 2, h / 2, w * .46, h * .44, a, rnd, step), _feather(w / 2, h / 2, w * .35, h * .33, b, rnd, step),
          _feather(w / 2, h / 2, w * .22, h * .21, c, rnd, step), _feather(w / 2, h / 2, w * .1, h * .1, d, rnd, step)]
    return pattern(w, h, J(o), tr)


ATLAS = ["#f6d13c", "#15803d", "#c81e3a", "#fff3d6", "#1f2a6b"]
ADRAS = ["#fff6e6", "#0e7490", "#d9465f", "#f4b63f", "#164e63"]
INDIGO = ["#f7f3ea", "#27408b", "#5b7fd1", "#f7f3ea", "#16264f"]
POMEGRANATE = ["#7a1230", "#f0b04b", "#c92c4e", "#fbe7c6", "#e9748a"]
EMERALD = ["#0d5c4d", "#f2cf63", "#1f9e7d", "#fdf3d0", "#cfe8a9"]


def petals(cx, cy, n, r, pw, f, r0=0, rot=0):
    o = []
    for i in range(n):
        a = rot + 360 * i / n
        o.append(P(f"M0 {-r0} C{pw} {-r0 - (r - r0) * .35} {pw} {-r0 - (r - r0) * .75} 0 {-r} "
                   f"C{-pw} {-r0 - (r - r0) * .75} {-pw} {-r0 - (r - r0) * .35} 0 {-r0}Z", f,
                   transform=f"translate({cx} {cy}) rotate({a:.1f})"))
    return J(o)


def suzani(cx, cy, r, c1="#c0223f", c2="#e8762d", c3="#1d3f72", c4="#fbeed3"):
    return J(petals(cx, cy, 12, r * 1.12, r * .2, c3, r * .6), C(cx, cy, r * .86, c1),
             petals(cx, cy, 10, r * .8, r * .18, c4, r * .35), C(cx, cy, r * .46, c2),
             petals(cx, cy, 8, r * .42, r * .12, c4, r * .12), C(cx, cy, r * .14, c1))


def leaf(x, y, a, s, f):
    return P(f"M0 0C{s*.35} {-s*.3} {s*.35} {-s*.75} 0 {-s}C{-s*.35} {-s*.75} {-s*.35} {-s*.3} 0 0Z", f,
             transform=f"translate({x} {y}) rotate({a})")


def rishton(cx, cy, r, base="#f4fbff", c1="#1746a2", c2="#18a0b8", c3="#e0a526"):
    """Round glazed plate ornament."""
    o = [C(cx, cy, r, c1), C(cx, cy, r * .95, base)]
    n = 28
    for i in range(n):
        a = 2 * math.pi * i / n
        o.append(C(round(cx + r * .86 * math.cos(a), 1), round(cy + r * .86 * math.sin(a), 1), r * .055, c1 if i % 2 else c2))
    o += [C(cx, cy, r * .76, c2), C(cx, cy, r * .73, base), petals(cx, cy, 16, r * .7, r * .11, c1, r * .38),
          petals(cx, cy, 16, r * .6, r * .05, c3, r * .42, 11.25), C(cx, cy, r * .38, c1), C(cx, cy, r * .35, base),
          petals(cx, cy, 8, r * .33, r * .1, c2, r * .05), petals(cx, cy, 8, r * .2, r * .05, c3, r * .03, 22.5),
          C(cx, cy, r * .06, c1)]
    return J(o)


def cotton(x, y, s, gold="#e7b84a"):
    """The cotton boll seen on blue tea ware."""
    o = []
    for a in (-70, -25, 25, 70):
        o.append(P(f"M0 0C{s*.5} {-s*.25} {s*.45} {-s} 0 {-s}C{-s*.45} {-s} {-s*.5} {-s*.25} 0 0Z", "#ffffff",
                   stroke=gold, stroke_width=max(1, s * .06), transform=f"translate({x} {y}) rotate({a})"))
    o.append(P(f"M{x - s*.4} {y}Q{x} {y + s*.45} {x + s*.4} {y}Q{x} {y + s*.15} {x - s*.4} {y}Z", gold))
    return J(o)


def paxta(w=84, h=84, ground="#12379b", s=26):
    inner = J(R(0, 0, w, h, ground), cotton(w / 2, h * .62, s),
              C(0, 0, 5, "#e7b84a"), C(w, 0, 5, "#e7b84a"), C(0, h, 5, "#e7b84a"), C(w, h, 5, "#e7b84a"))
    return pattern(w, h, inner)


def stripes(cols, widths, tr=""):
    x, o = 0, []
    for c, w in zip(cols, widths):
        o.append(R(x, 0, w + .5, 40, c))
        x += w
    return pattern(x, 40, J(o), tr)


# --- scenes ----------------------------------------------------------------

def scene(bg, kind, body):
    """bg: soft background colour; kind: circle, arch, room, blob."""
    o = [R(0, 0, SIZE, SIZE, lg(light(bg, .32), bg, "d"))]
    w = light(bg, .5)
    if kind == "circle":
        o.append(C(320, 312, 236, w, opacity=.75))
    elif kind == "arch":
        o.append(P("M96 560V300C96 180 220 130 320 56C420 130 544 180 544 300V560Z", w, opacity=.8))
        o.append(L("M118 560V306C118 200 232 150 320 86C408 150 522 200 522 306V560", light(bg, .15), 3))
        o.append(R(0, 560, SIZE, 80, dark(bg, .08)))
    elif kind == "room":
        o.append(R(0, 500, SIZE, 140, dark(bg, .1)))
        o.append(R(0, 494, SIZE, 8, light(bg, .55)))
    elif kind == "blob":
        o.append(P("M122 210C170 80 330 60 450 110C570 160 600 320 540 440C480 560 300 590 180 530C60 470 70 330 122 210Z", w, opacity=.75))
    elif kind == "sun":
        o.append(C(450, 190, 130, w, opacity=.8))
        o.append(P("M0 470C160 420 330 430 640 480V640H0Z", dark(bg, .07)))
    if kind in ("circle", "arch"):
        body = G(body, "translate(320 330) scale(1.08) translate(-320 -330)")
    o.append(body)
    return J(o)


def document(inner):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIZE}" height="{SIZE}" viewBox="0 0 {SIZE} {SIZE}">'
            f'<defs>{"".join(sheet.defs)}</defs>{inner}</svg>')
