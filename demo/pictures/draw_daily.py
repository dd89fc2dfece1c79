"""Food, books, stationery, sport, garden and car goods."""

import random

from kit import *

DRAW = {}


def draw(key, bg, kind="circle"):
    def keep(f):
        DRAW[key] = (bg, kind, f)
        return f
    return keep


# --- groceries -------------------------------------------------------------

def non(x, y, s, seed=1):
    r = random.Random(seed)
    o = [C(0, 6, 150, "#9a5a1e"), C(0, 0, 150, rg("#f3c574", "#c67e2d", .45, .4, .62)), C(0, 0, 148, "none", stroke="#b56d22", stroke_width=5), C(0, 0, 92, "#e9b767"), C(0, 0, 92, "none", stroke="#c98735", stroke_width=5)]
    for n, q in ((6, 26), (12, 52), (18, 78)):
        for i in range(n):
            a = 2 * math.pi * i / n
            o.append(C(round(q * math.cos(a), 1), round(q * math.sin(a), 1), 5, "#a9651f"))
    o.append(C(0, 0, 5, "#a9651f"))
    for i in range(60):
        a, q = r.uniform(0, 6.28), r.uniform(30, 138)
        o.append(E(round(q * math.cos(a)), round(q * math.sin(a)), 4.5, 2.6, ["#fff3d0", "#2b1b14"][i % 3 == 0], transform=f"rotate({r.randint(0, 180)} {q*math.cos(a):.0f} {q*math.sin(a):.0f})"))
    o.append(P("M-120 -60A136 136 0 0 1 -20 -132A170 170 0 0 0 -120 -60Z", "#ffffff", opacity=.45))
    return G(J(o), f"translate({x} {y}) scale({s})")


@draw("patir-non", "#f8e4c6", "arch")
def _():
    o = [shadow(320, 530, 230), P("M96 470H544L500 536H140Z", lg("#c98f59", "#9a6638")), *[L(f"M{110+i*8} {484+i*16}H{530-i*8}", "#8a5a33", 4) for i in range(3)], non(236, 346, .86, 3), non(372, 330, 1.02, 8)]
    for tr in ("translate(130 500) rotate(-38)", "translate(510 500) scale(-1 1) rotate(-38)"):
        o.append(G(J(L("M0 0V-120", "#c99a3c", 5), *[E((-1) ** i * 11, -60 - i * 12, 7, 14, "#e8bb52", transform=f"rotate({(-1)**i*28} {(-1)**i*11} {-60-i*12})") for i in range(7)]), tr))
    return J(o)


@draw("tea-green-95", "#dcefd3")
def _():
    o = [shadow(330, 536, 210), P("M170 150H380V520H170Z", lg("#2f7d46", "#1c5a30", "h")), P("M380 150L420 176V530L380 520Z", "#144524"), P("M170 150L204 128H416L420 176L380 150Z", "#3d9657"), R(194, 210, 162, 210, "#fdf6e3", 10), R(202, 218, 146, 194, "none", 8, stroke="#d9a441", stroke_width=4), T(275, 268, "95", 46, "#1c5a30"), T(275, 296, "KOʻK CHOY", 17, "#1c5a30"), *[leaf(275, 386, a, 62, c) for a, c in ((-46, "#4f9e4b"), (46, "#4f9e4b"), (0, "#6cbf5e"))], R(170, 450, 210, 28, "#d9a441"), T(275, 471, "250 g", 18, "#1c5a30"),
         P("M410 450H540C540 492 516 520 500 524H450C434 520 410 492 410 450Z", "#f7fbff"), *[petals(440 + i * 35, 488, 6, 13, 5, "#1746a2", 2) for i in range(3)], E(475, 450, 65, 15, "#e8f0f7"), E(475, 452, 56, 11, "#b9c94a"), R(450, 520, 50, 9, "#cfdbe6", 4), L("M460 420C446 404 472 392 460 374M490 420C476 404 502 392 490 374", "#ffffff", 7)]
    for i, (x, y) in enumerate(((140, 520), (120, 534), (158, 536), (134, 546), (176, 546))):
        o.append(leaf(x, y, 40 + i * 50, 20, "#4a6b34"))
    return J(o)


@draw("apricot-dried", "#fde3c4", "sun")
def _():
    r = random.Random(4)
    o = [shadow(320, 530, 230), P("M110 380H530C520 470 450 520 400 524H240C190 520 120 470 110 380Z", lg("#a9713f", "#7d4e28")), *[L(f"M{128+i*4} {410+i*26}H{512-i*6}", "#6d4322", 4) for i in range(4)], E(320, 380, 210, 46, "#6d4322")]
    pts = [(x, y) for y in (388, 368, 348, 326, 306, 288) for x in range(150, 500, 46) if abs(x - 320) < 190 - (388 - y) * 1.35]
    for i, (x, y) in enumerate(pts):
        x += r.randint(-8, 8)
        c = ["#f2993a", "#e57f2a", "#f7b04e", "#d96f24", "#7a3b1e", "#f2993a"][i % 6] if i % 5 else "#4b2b3d"
        a = r.randint(-30, 30)
        o.append(G(J(E(0, 4, 33, 23, dark(c, .25)), E(0, 0, 33, 23, c), L("M-22 0Q0 8 22 -2", dark(c, .25), 3), E(-10, -9, 11, 5, light(c, .4), opacity=.8)), f"translate({x} {y}) rotate({a})"))
    o += [P("M96 376H544V396Q320 420 96 396Z", "#b9804a"), *[C(116 + i * 34, 390, 4, "#7d4e28") for i in range(13)], leaf(250, 300, -40, 50, "#5a9e4b"), leaf(400, 290, 40, 50, "#4b8a3e")]
    return J(o)


@draw("rice-devzira", "#f0e2d6", "arch")
def _():
    r = random.Random(9)
    o = [shadow(320, 536, 220), P("M180 250C150 330 140 460 170 520H430C460 460 450 330 420 250Z", lg("#e4cfa6", "#c3a572", "h")), P("M164 246C190 190 240 216 262 200S350 196 372 206S426 200 436 246Q300 290 164 246Z", "#d6bd8d"), E(300, 240, 116, 26, "#c9805a")]
    for i in range(120):
        a, q = r.uniform(0, 6.28), math.sqrt(r.random())
        x, y = 300 + 110 * q * math.cos(a), 238 + 22 * q * math.sin(a) - 10 * (1 - q)
        o.append(E(round(x), round(y), 7, 2.6, ["#e2a27c", "#d28b64", "#f3c9a8"][i % 3], transform=f"rotate({r.randint(0, 180)} {x:.0f} {y:.0f})"))
    o += [R(216, 320, 168, 150, "#fdf6e8", 12), T(300, 366, "DEVZIRA", 26, "#8a3b22"), T(300, 392, "guruch", 20, "#8a3b22"), suzani(300, 432, 24, "#c0562f", "#e8a02d", "#8a3b22"), *[L(d, "#b3945f", 4, opacity=.7) for d in ("M190 290C180 360 180 440 194 510M410 290C420 360 420 440 406 510",)]]
    for i in range(90):
        x = r.gauss(490, 40)
        y = 526 - max(0, (1 - abs(x - 490) / 80)) * r.random() * 50
        o.append(E(round(x), round(y), 9, 3.4, ["#e2a27c", "#c9805a", "#f3c9a8"][i % 3], transform=f"rotate({r.randint(0, 180)} {x:.0f} {y:.0f})"))
    return J(o)


@draw("honey-mountain", "#fdeab8", "circle")
def _():
    hexes = J(*[PG([(x + 30 * math.cos(k * math.pi / 3 + math.pi / 6), y + 30 * math.sin(k * math.pi / 3 + math.pi / 6)) for k in range(6)], "none", stroke="#f3cd6a", stroke_width=5) for x, y in ((130, 180), (182, 180), (156, 135), (490, 150), (516, 195), (464, 195))])
    return J(hexes, shadow(320, 540, 180), R(190, 200, 240, 330, lg("#ffc94a", "#d9861c", "h"), 48), R(196, 190, 228, 60, "#fff6dc", 14, opacity=.55), R(204, 150, 212, 56, tube("#c8433a"), 12), P("M200 206H420L440 240Q430 252 416 240T380 244T344 240T310 244T274 240T238 244T204 240Q190 252 180 240Z", "#fff6e6"), *[C(214 + i * 30, 224, 5, "#c8433a") for i in range(8)], E(310, 390, 84, 88, "#fff6dc"), E(310, 390, 74, 78, "none", stroke="#d9861c", stroke_width=4), E(310, 396, 40, 27, "#f2b02e"), P("M290 372V420M308 368V424M326 372V420", "none", stroke="#3a2418", stroke_width=9), E(286, 362, 26, 15, "#dff1fa", opacity=.95, transform="rotate(-30 286 362)"), E(324, 358, 26, 15, "#dff1fa", opacity=.95, transform="rotate(24 324 358)"), C(354, 392, 13, "#3a2418"), L("M358 380q6 -14 16 -14M352 380q0 -14 8 -20", "#3a2418", 3), R(212, 270, 18, 220, "#ffffff", 9, opacity=.5),
             G(J(R(-9, -150, 18, 150, tube("#b98351"), 8), *[E(0, 10 + i * 17, 34 - abs(i - 2) * 5, 11, ["#d9a05f", "#b97c3f"][i % 2]) for i in range(5)], P("M-14 90C-6 120 -2 120 0 150C4 120 10 110 14 90Z", "#f2a928")), "translate(500 360) rotate(18)"))


@draw("navot-crystal", "#fbe9d6", "arch")
def _():
    r = random.Random(12)
    o = [shadow(320, 530, 220), E(320, 500, 220, 42, "#1746a2"), E(320, 494, 214, 38, "#f4fbff"), E(320, 494, 170, 27, "none", stroke="#18a0b8", stroke_width=6)]
    cols = ["#f6c66b", "#eda63a", "#fbe0a4", "#f9d388", "#e0912c"]
    for row, (y, n, s) in enumerate(((470, 5, 62), (410, 4, 64), (350, 3, 62), (296, 2, 56), (250, 1, 48))):
        for i in range(n):
            x = 320 + (i - (n - 1) / 2) * 78 + r.randint(-8, 8)
            a, b = s * r.uniform(.85, 1.1), s * r.uniform(.85, 1.1)
            top, rt, bt, lf, c = (x + 4, y - b), (x + a * .8, y - b * .2), (x + a * .2, y + b * .6), (x - a * .8, y + b * .1), (x + r.randint(-8, 8), y - b * .12)
            q = [top, rt, bt, lf]
            for k in range(4):
                o.append(PG([q[k], q[(k + 1) % 4], c], cols[(k + i + row) % 5], stroke="#fff1cf", stroke_width=2, stroke_linejoin="round"))
            o.append(PG([lf, top, c], "#ffffff", opacity=.4))
    for x, y, s in ((200, 250, 16), (452, 290, 20), (240, 180, 12), (420, 200, 12)):
        o.append(P(f"M{x} {y-s}Q{x+2} {y-2} {x+s} {y}Q{x+2} {y+2} {x} {y+s}Q{x-2} {y+2} {x-s} {y}Q{x-2} {y-2} {x} {y-s}Z", "#ffffff"))
    return J(o)


@draw("almond-bostonliq", "#e9e2f2")
def _():
    r = random.Random(21)
    o = [shadow(320, 536, 200), P("M190 180L210 150H430L450 180V520Q450 530 440 530H200Q190 530 190 520Z", lg("#e7d3b4", "#c9ab7f", "h")), R(190, 180, 260, 26, "#b98f5e"), L("M196 166H444", "#b98f5e", 4, stroke_dasharray="9 7"), R(222, 236, 196, 150, "#7a2f4f", 14), T(320, 286, "BODOM", 34, "#fff3dc"), T(320, 318, "500 g", 22, "#f3d6a3"), *[petals(260 + i * 60, 352, 5, 20, 9, "#f9cfd9", 3) + C(260 + i * 60, 352, 4, "#e8a02d") for i in range(3)], R(222, 406, 196, 96, "#f6ead6", 14)]
    def nut(x, y, a, s=1):
        return G(J(P("M0 -34C22 -20 28 16 0 34C-28 16 -22 -20 0 -34Z", "#8f5426"), P("M0 -34C18 -20 20 12 0 30C-24 14 -20 -18 0 -34Z", "#b87038"), L("M-6 -16V14M4 -20V18M-12 -4V8", "#8f5426", 2.4)), f"translate({x} {y}) rotate({a}) scale({s})")
    o += [nut(244 + (i % 6) * 30, 436 + (i // 6) * 36, r.randint(0, 180), .72) for i in range(12)]
    o += [nut(x, y, a, 1.15) for x, y, a in ((140, 500, 60), (176, 524, 100), (120, 530, 20), (480, 514, 70), (516, 528, 120), (492, 482, 30))]
    return J(o)


@draw("melon-torpedo", "#e3f1c8", "sun")
def _():
    net = pattern(46, 46, J(L("M0 10Q20 20 46 8M4 0Q14 24 6 46M28 0Q22 24 34 46M0 36Q24 28 46 40", "#fff6cf", 3)))
    d = "M80 380C90 250 230 200 350 216C470 230 560 300 566 366C560 450 450 500 320 500C190 500 84 470 80 380Z"
    o = [shadow(320, 510, 260), P(d, lg("#f8dd6a", "#d69b2a")), P(d, net, opacity=.8), *[P(f"M90 {380+i*0}C200 {300+i*60} 420 {290+i*60} 564 366", "none", stroke="#c98f2a", stroke_width=4, opacity=.6) for i in (0, 1, 2)], L("M82 384C60 380 50 360 40 340", "#6f8f3a", 12), P("M130 330C180 260 280 232 360 240C280 256 200 290 150 350Z", "#ffffff", opacity=.4)]
    o.append(G(J(P("M-170 -20C-160 120 160 120 170 -20C120 20 -120 20 -170 -20Z", "#c98f2a"), P("M-166 -16C-150 100 150 100 166 -16C116 22 -116 22 -166 -16Z", "#b9d98a"), P("M-160 -12C-140 84 140 84 160 -12C114 26 -114 26 -160 -12Z", "#fdf8e6"), P("M-120 12C-90 50 90 50 120 12C90 30 -90 30 -120 12Z", "#f9d9a0"), *[E(-70 + i * 35, 34 - abs(i - 2) * 3, 8, 4, "#e6a94a", transform=f"rotate({-20+i*10} {-70+i*35} 34)") for i in range(5)]), "translate(390 458) rotate(-6)"))
    return J(o)


# --- books and stationery --------------------------------------------------

def book(cover, deco, w=300, h=400):
    return J(P(f"M{w} 10L{w+34} -14V{h-34}L{w} {h}Z", "#f3ead6"), *[L(f"M{w+8+i*8} {4-i*6}V{h-8-i*6}", "#d9ccb0", 2) for i in range(3)], P(f"M0 0L34 -24H{w+34}L{w} 0Z", "#fffaf0"), R(0, 0, w, h, cover, 8), R(0, 0, 26, h, "#00000022", 8), deco)


@draw("tales-book", "#d8dbf5", "blob")
def _():
    deco = J(R(44, 30, 236, 340, lg("#243a7d", "#5d4fb0"), 10), C(226, 126, 32, "#ffe7a0"), C(239, 118, 28, "#37448f"), *[C(x, y, 3.5, "#ffe7a0") for x, y in ((76, 70), (120, 50), (160, 96), (92, 130), (250, 160), (190, 150))], P("M60 370V290H84V262C84 240 100 236 108 220C116 236 132 240 132 262V250H188V262C188 240 204 230 216 214C228 230 244 240 244 262V290H264V370Z", "#e8a02d"), P("M140 370V316C140 290 160 284 164 276C168 284 188 290 188 316V370Z", "#243a7d"), P("M84 262C84 240 100 236 108 220C116 236 132 240 132 262ZM188 262C188 240 204 230 216 214C228 230 244 240 244 262Z", "#2fa59a"), P("M70 196C90 176 150 196 190 176L214 186C180 206 110 216 70 196Z", "#c8334f"), L("M90 196v14M120 200v12M150 198v12M180 192v12", "#f2c14e", 3), T(162, 60, "ERTAKLAR", 30, "#fff3d0"))
    return J(shadow(330, 546, 190), G(book("#1b2a5e", deco), "translate(150 130) rotate(-4 150 200)"))


@draw("cookbook-osh", "#fbe0cd")
def _():
    deco = J(R(44, 40, 236, 60, "#fff6e6", 8), T(162, 82, "OSHXONA", 36, "#a8321f"), C(162, 230, 92, "#f4fbff"), C(162, 230, 92, "none", stroke="#1746a2", stroke_width=8), C(162, 230, 68, "#e7a93c"), *[E(162 + 50 * math.cos(i * 2.4) * ((i % 5 + 1) / 5), 230 + 50 * math.sin(i * 2.4) * ((i % 5 + 1) / 5), 8, 3.2, ["#fff0c4", "#e8792b"][i % 2], transform=f"rotate({i*40} {162 + 50 * math.cos(i * 2.4) * ((i % 5 + 1) / 5):.0f} {230 + 50 * math.sin(i * 2.4) * ((i % 5 + 1) / 5):.0f})") for i in range(40)], E(150, 222, 20, 14, "#8a4b26"), E(184, 238, 18, 12, "#9c5a2e"), leaf(170, 216, 30, 26, "#3f8f4d"), R(84, 346, 156, 10, "#f2c14e", 5), R(112, 366, 100, 8, "#f2c14e", 4))
    tools = G(J(R(-6, 0, 12, 150, tube("#c9ced6"), 5), E(0, -20, 34, 30, "#c9ced6"), E(-8, -26, 12, 10, "#eef1f4")), "translate(536 330) rotate(20)")
    return J(shadow(340, 546, 210), tools, G(book("#c8402a", deco), "translate(140 130) rotate(3 150 200)"))


@draw("dictionary-uz-en", "#d9ecdf", "room")
def _():
    def spine(x, w, h, c, t, vertical=True):
        return G(J(R(0, 0, w, h, tube(c), 6), R(0, 24, w, 8, "#f2c14e"), R(0, h - 34, w, 8, "#f2c14e"), T(0, 7, t, 19, "#fff3d0", transform=f"translate({w/2} {h/2}) rotate(-90)")), f"translate({x} {524-h})")
    o = [shadow(320, 546, 260, 14), R(70, 522, 500, 20, "#a9744a", 6), spine(104, 70, 330, "#1d5c8a", "OʻZBEK — INGLIZ"), spine(180, 62, 300, "#a8321f", "INGLIZ — OʻZBEK"), spine(248, 54, 270, "#2e7d4f", "RUSCHA"), G(J(R(0, 0, 200, 250, lg("#f2b63c", "#d98f22"), 8), R(0, 0, 18, 250, "#00000022", 6), T(106, 96, "Aa", 74, "#ffffff"), T(106, 164, "Oʻoʻ", 50, "#7a3b10"), R(50, 200, 112, 10, "#ffffff", 5)), "translate(352 262) rotate(8 100 125)"), P("M112 110H284Q300 110 300 126V156Q300 172 284 172H170L146 200V172H112Q96 172 96 156V126Q96 110 112 110Z", "#2e7d4f"), T(198, 153, "Salom!", 32, "#ffffff"), P("M352 150H500Q516 150 516 166V192Q516 208 500 208H470L450 232V208H352Q336 208 336 192V166Q336 150 352 150Z", "#1d5c8a"), T(426, 190, "Hello!", 30, "#ffffff")]
    return J(o)


@draw("notebooks-5", "#fde0ea", "blob")
def _():
    def nb(tr, c, pat):
        return G(J(R(8, 8, 240, 320, dark(c, .3), 12), R(0, 0, 240, 320, c, 12), pat, R(0, 0, 30, 320, dark(c, .2), 10), *[J(R(-12, 20 + i * 30, 30, 9, metal("#c9ced6"), 4)) for i in range(10)], R(70, 60, 130, 66, "#ffffff", 8), R(84, 78, 100, 8, "#c9ced6", 4), R(84, 98, 70, 8, "#c9ced6", 4)), tr)
    return J(shadow(330, 548, 210), nb("translate(270 110) rotate(12)", "#4fae9d", J(*[C(60 + (i % 4) * 52, 170 + (i // 4) * 44, 10, "#3b9485") for i in range(12)])), nb("translate(214 140) rotate(2)", "#f2b63c", J(*[L(f"M40 {170+i*30}L230 {150+i*30}", "#d99a22", 8) for i in range(5)])), nb("translate(150 190) rotate(-9)", "#d9566f", J(*[petals(80 + (i % 3) * 60, 190 + (i // 3) * 66, 8, 26, 8, "#f9c6cf", 4) + C(80 + (i % 3) * 60, 190 + (i // 3) * 66, 5, "#f2c14e") for i in range(6)])))


@draw("pencils-24", "#e2e4fa")
def _():
    cols = ["#e5484d", "#f2793b", "#f2b63c", "#f7e04b", "#8fcf4a", "#27ae60", "#2fa59a", "#3fa9e0", "#2f6fd6", "#5d4fb0", "#9b51e0", "#d9569f", "#8a5a33", "#39414d"]
    o = [shadow(320, 540, 210)]
    for i, c in enumerate(cols):
        x = 138 + i * 26
        h = 60 + 34 * math.sin(i / 13 * math.pi) + (i % 2) * 14
        o += [P(f"M{x} 330V{260-h}L{x+13} {216-h}L{x+26} {260-h}V330Z", "#f0d2a2"), P(f"M{x+8.4} {231-h}L{x+13} {216-h}L{x+17.6} {231-h}Z", c), P(f"M{x} 340V{260-h}q6.5 -10 13 0q6.5 -10 13 0V340Z", c), R(x + 8, 262 - h, 10, 90, "#ffffff", 0, opacity=.22)]
    o += [R(120, 310, 400, 220, lg("#ffffff", "#e4e9f4"), 14), R(120, 310, 400, 60, "#5d4fb0", 14), R(120, 350, 400, 22, "#5d4fb0"), T(320, 356, "24 RANG", 34, "#ffffff"), *[R(140 + i * 26, 494, 22, 16, c, 4) for i, c in enumerate(cols)], P("M200 480C220 400 280 400 300 450S380 480 430 400", "none", stroke="#e5484d", stroke_width=10, stroke_linecap="round"), C(450, 420, 22, "#f2b63c"), *[L(f"M{450+30*math.cos(a):.0f} {420+30*math.sin(a):.0f}L{450+40*math.cos(a):.0f} {420+40*math.sin(a):.0f}", "#f2b63c", 6) for a in [k * math.pi / 4 for k in range(8)]]]
    return J(o)


@draw("backpack-school", "#d3e7f9", "blob")
def _():
    c = "#2f6fd6"
    o = [shadow(320, 552, 190), L("M270 130C270 70 370 70 370 130", dark(c, .35), 16), P("M150 330C120 360 116 460 140 500L180 500V320ZM490 330C520 360 524 460 500 500L460 500V320Z", dark(c, .25)), P("M170 250C170 150 240 116 320 116S470 150 470 250V500Q470 540 430 540H210Q170 540 170 500Z", lg(light(c, .2), dark(c, .08))), L("M196 260C196 180 250 144 320 144S444 180 444 260", light(c, .5), 4, stroke_dasharray="8 6"), R(206, 340, 228, 160, lg("#ffb54a", "#f2922f"), 26), L("M222 380H418", "#b9641a", 6), R(398, 374, 14, 34, "#fff3d0", 6), P("M320 410l12 26 28 4 -20 20 5 28 -25 -13 -25 13 5 -28 -20 -20 28 -4Z", "#ffffff"), L("M210 270H430", dark(c, .35), 6), R(222, 264, 14, 36, "#f2b63c", 6), P("M280 190C280 168 360 168 360 190L352 236H288Z", light(c, .35)), P("M188 260C188 190 230 150 270 140C230 180 216 240 214 330L188 350Z", "#ffffff", opacity=.18), G(J(R(0, 0, 18, 90, "#f2c14e", 2), P("M0 0L9 -22L18 0Z", "#f0d2a2"), R(0, 84, 18, 16, "#e5484d", 3)), "translate(470 330) rotate(10)"), R(496, 330, 20, 110, "#27ae60", 4, transform="rotate(10 500 380)")]
    return J(o)


@draw("globe-25", "#d9f0f0", "room")
def _():
    cl = C(320, 290, 150, "#000")
    land = J(P("M210 220C240 180 300 190 330 170C370 150 420 170 440 200C450 230 410 240 400 262C390 290 350 280 330 300C300 320 270 290 250 290C220 290 196 250 210 220Z", "#6fbf5e"), P("M240 330C270 310 320 326 330 350C340 390 300 430 280 420C262 400 230 360 240 330Z", "#8fcf6a"), P("M380 330C410 320 450 330 440 360C420 380 390 370 380 330Z", "#e8c65a"), P("M170 260C190 270 196 300 180 330L160 300Z", "#e8c65a"), P("M330 190C350 186 372 196 372 214C356 226 330 216 330 190Z", "#f2a65a"))
    o = [shadow(320, 556, 150, 14), L("M250 120A190 190 0 1 1 240 462", metal("#d9a441"), 14), L("M250 120A190 190 0 1 1 240 462", "#d9a441", 12), C(320, 290, 150, rg("#8fd6f7", "#2f86c9")), clip(cl, land), *[L(d, "#ffffff", 2, opacity=.45) for d in ("M172 290H468M190 220Q320 250 450 220M190 360Q320 390 450 360M320 140V440M320 140C240 200 240 380 320 440M320 140C400 200 400 380 320 440",)], P("M210 210C230 170 270 150 310 146C270 176 240 210 226 260Z", "#ffffff", opacity=.4), C(250, 120, 11, "#b9822f"), C(240, 462, 11, "#b9822f"), R(306, 474, 28, 50, metal("#d9a441"), 4), P("M220 540C230 512 410 512 420 540Q420 550 410 550H230Q220 550 220 540Z", lg("#a9744a", "#7a4c29")), P("M352 176C352 158 376 158 376 176C376 188 364 198 364 206C364 198 352 188 352 176Z", "#e5484d"), C(364, 176, 5, "#fff")]
    return J(o)


# --- sport, garden, car ----------------------------------------------------

@draw("ball-futbol", "#d4f0cf", "sun")
def _():
    cx, cy, R0 = 320, 330, 170
    def pent(x, y, r, rot, f="#20262f", sx=1, sy=1):
        return G(PG([(r * math.sin(k * 2 * math.pi / 5), -r * math.cos(k * 2 * math.pi / 5)) for k in range(5)], f, stroke=f, stroke_width=6, stroke_linejoin="round"), f"translate({x:.1f} {y:.1f}) rotate({rot}) scale({sx} {sy})")
    inner = [pent(cx, cy, 56, 0)]
    for k in range(5):
        a = k * 72
        s, c = math.sin(math.radians(a)), -math.cos(math.radians(a))
        inner.append(L(f"M{cx+56*s:.0f} {cy+56*c:.0f}L{cx+104*s:.0f} {cy+104*c:.0f}", "#20262f", 6))
        s2, c2 = math.sin(math.radians(a + 36)), -math.cos(math.radians(a + 36))
        inner.append(pent(cx + 160 * s2, cy + 160 * c2, 54, a + 36 + 180, "#1f6fd6" if k % 2 else "#20262f", 1, .62))
        for da in (-1, 1):
            t = math.radians(a + 36 * da * .62)
            inner.append(L(f"M{cx+104*s:.0f} {cy+104*c:.0f}L{cx+142*math.sin(t):.0f} {cy-142*math.cos(t):.0f}", "#20262f", 6))
    return J(shadow(320, 508, 150), *[P(f"M{x} 540q4 -30 -4 -46q14 18 12 46Z", "#5aa845") for x in range(60, 600, 26)], C(cx, cy, R0, rg("#ffffff", "#cfd8e2")), clip(C(cx, cy, R0, "#000"), inner), C(cx, cy, R0, "none", stroke="#aab6c4", stroke_width=3), E(260, 240, 46, 26, "#ffffff", opacity=.7, transform="rotate(-35 260 240)"))


@draw("bike-chavandoz", "#f9e6d0", "sun")
def _():
    def wheel(x):
        return J(C(x, 420, 104, "none", stroke="#22262d", stroke_width=15), C(x, 420, 92, "none", stroke="#c9ced6", stroke_width=4), *[L(f"M{x} 420L{x+92*math.cos(a):.0f} {420+92*math.sin(a):.0f}", "#aab3bf", 2) for a in [k * math.pi / 8 for k in range(16)]], C(x, 420, 13, "#59616f"))
    c = "#d9423f"
    return J(shadow(320, 534, 250), wheel(160), wheel(480), L("M160 420L250 270H430L310 420H160M310 420L236 236", c, 15), L("M480 420L424 226", c, 15), L("M250 270L310 420", c, 13), L("M424 226C416 196 440 186 476 190", "#39414d", 12), L("M470 190H500", "#22262d", 18), L("M236 236L230 214", "#39414d", 11), P("M186 204C210 194 270 198 284 206C284 222 240 226 220 230C200 226 184 220 186 204Z", "#22262d"), C(310, 420, 36, "none", stroke="#59616f", stroke_width=9), L("M310 420L340 476M310 420L280 364", "#39414d", 9), R(326, 472, 40, 11, "#22262d", 5), R(256, 352, 40, 11, "#22262d", 5), L("M310 384L160 406M310 456L160 434", "#59616f", 4), L("M290 300L392 290", "#ffffff", 5), P("M430 250L500 240V290L440 296Z", "#a9744a"), L("M440 256L494 282M438 290L498 250M436 272H500", "#7d4e28", 4))


@draw("dumbbells-20", "#dbe3ee", "room")
def _():
    def db(tr, c):
        return G(J(R(-110, -14, 220, 28, metal("#c9ced6"), 12), *[J(R(s * 100 - 22, -64, 44, 128, tube("#2b3038"), 12), R(s * 148 - 20, -84, 40, 168, tube(c), 12), R(s * 182 - 10, -34, 20, 68, tube("#59616f"), 8)) for s in (-1, 1)], *[L(f"M{-50+i*20} -12v24", "#8b95a2", 4) for i in range(6)], T(-148, 8, "10", 24, "#fff"), T(148, 8, "10", 24, "#fff")), tr)
    return J(shadow(320, 552, 240, 14), R(90, 500, 460, 40, "#7a6ac2", 18), R(90, 500, 460, 14, "#9a8ce0", 7), db("translate(320 300) rotate(-14)", "#2f80ed"), db("translate(320 430)", "#e5484d"))


@draw("watering-can", "#dcf1dd", "sun")
def _():
    c = "#2f9c78"
    o = [shadow(310, 528, 220), L("M260 250C280 130 470 150 450 300", dark(c, .2), 18), L("M452 300C560 290 560 450 446 450", dark(c, .2), 18), P("M200 270H460L446 510Q444 522 430 522H226Q212 522 210 510Z", lg(light(c, .2), dark(c, .1), "h")), P("M214 440L110 260L136 244L226 360Z", lg(light(c, .1), dark(c, .15))), G(R(-50, -14, 100, 28, dark(c, .25), 10), "translate(120 246) rotate(-34)"), E(330, 270, 130, 24, dark(c, .35)), E(330, 272, 112, 16, "#6fc3ea"), R(206, 330, 250, 14, "#f2c14e"), R(212, 480, 236, 14, "#f2c14e"), *[petals(270 + i * 64, 410, 8, 28, 9, "#ffffff", 5) + C(270 + i * 64, 410, 8, "#f2b63c") for i in range(3)]]
    for i, (x, y) in enumerate(((60, 300), (84, 340), (50, 360), (96, 290), (70, 410), (100, 390), (44, 440))):
        o.append(P(f"M{x} {y-14}C{x+9} {y} {x+9} {y+10} {x} {y+10}S{x-9} {y} {x} {y-14}Z", "#58b4e8"))
    o += [L("M80 530V470", "#4f9e4b", 6), leaf(80, 500, -60, 40, "#6cbf5e"), leaf(80, 490, 60, 40, "#5aa845"), petals(80, 462, 6, 26, 10, "#e8697d", 6), C(80, 462, 9, "#f7d36a")]
    return J(o)


@draw("tyre-15", "#e2e2e8", "room")
def _():
    o = [shadow(330, 552, 190, 14), E(356, 320, 216, 226, "#15171c")]
    for i in range(44):
        a = i * 2 * math.pi / 44
        o.append(L(f"M{340+196*math.cos(a):.0f} {320+208*math.sin(a):.0f}L{362+214*math.cos(a):.0f} {320+226*math.sin(a):.0f}", "#3b4049", 8))
    o += [C(312, 320, 214, "#23262d"), C(312, 320, 200, "#2e323a"), C(312, 320, 150, "#1b1e23"), T(0, 0, "YOʻLDOSH", 26, "#c9ced6", transform="translate(312 158)"), T(0, 0, "195/65 R15", 24, "#c9ced6", transform="translate(312 500)"), C(312, 320, 138, metal("#d5dbe2")), C(312, 320, 122, "#3b4049")]
    for k in range(5):
        o.append(G(P("M-26 -20L-16 -120Q0 -128 16 -120L26 -20Z", lg("#f4f6f9", "#aab3bf", "h")), f"translate(312 320) rotate({k*72})"))
    o += [C(312, 320, 40, metal("#d5dbe2")), C(312, 320, 20, "#59616f"), *[C(312 + 29 * math.cos(k * 2 * math.pi / 5), 320 + 29 * math.sin(k * 2 * math.pi / 5), 4.5, "#39414d") for k in range(5)]]
    return J(o)


@draw("compressor-auto", "#fdebc0", "blob")
def _():
    o = [shadow(320, 530, 220), L("M160 330C60 330 60 480 150 500S260 540 330 536", "#22262d", 15), P("M330 524L376 520V552L330 548Z", metal("#c9ced6")), P("M150 290Q150 260 180 260H430Q480 260 490 310L500 440Q500 470 470 470H180Q150 470 150 440Z", lg("#f2b63c", "#e0922a")), R(196, 220, 220, 50, "#2b3038", 22), R(226, 232, 160, 20, "#59616f", 10), R(360, 300, 110, 110, "#2b3038", 55), C(415, 355, 46, "#f7f9fb"), *[L(f"M{415+36*math.cos(a):.0f} {355+36*math.sin(a):.0f}L{415+44*math.cos(a):.0f} {355+44*math.sin(a):.0f}", "#39414d", 4) for a in [math.pi * .75 + k * math.pi * 1.5 / 8 for k in range(9)]], L("M415 355L438 330", "#e5484d", 5), C(415, 355, 7, "#39414d"), T(415, 386, "bar", 14, "#39414d"), R(176, 300, 150, 30, "#2b3038", 8), *[R(184 + i * 24, 344, 14, 90, "#c98222", 5) for i in range(6)], T(250, 323, "SHAMOL", 19, "#f2b63c"), R(170, 470, 60, 22, "#2b3038", 8), R(420, 470, 60, 22, "#2b3038", 8), R(350, 430, 24, 22, "#e5484d", 6), L("M490 400C560 400 560 300 560 240", "#22262d", 9), R(546, 170, 28, 76, tube("#39414d"), 8), R(554, 150, 12, 24, metal("#c9ced6"), 4)]
    return J(o)


@draw("tent-3", "#d3ecdc")
def _():
    o = [P("M60 470L170 300L240 380L330 250L430 380L500 310L590 470Z", "#a9d3b8"), P("M330 250L362 292L338 304L318 268Z", "#ffffff"), R(40, 466, 560, 8, "#7fbf93", 4), shadow(320, 528, 250), P("M330 220L560 520H110Z", "#d9722e"), P("M330 220L110 520H370Z", lg("#f7a04b", "#e8832f")), P("M330 220L370 520H560Z", lg("#d9722e", "#b9561f")), P("M290 274L196 520H330Q340 380 290 274Z", "#3a2a22"), P("M290 274C280 340 250 420 196 520H222C270 430 296 360 290 274Z", "#fbd9a8"), P("M290 274C320 350 336 430 330 520H316C322 430 314 350 290 274Z", "#fbd9a8"), E(266, 500, 40, 18, "#e5484d"), E(266, 494, 40, 14, "#f27d80"), L("M330 220L60 526M330 220L600 526", "#8a5a33", 3), L("M60 514v18M600 514v18", "#59616f", 6), L("M330 220V196", "#59616f", 6), P("M330 198L372 208L330 220Z", "#2f80ed"), C(480, 150, 36, "#ffe08a"), *[P(f"M{x} 530q3 -24 -4 -36q12 14 10 36Z", "#4f9e5b") for x in (90, 100, 540, 556, 570, 396, 410)], P("M440 536L476 500L512 536Z", "none"), *[P(f"M{x} 540C{x-14} 520 {x} 508 {x} 492C{x+10} 508 {x+14} 522 {x} 540Z", c) for x, c in ((460, "#f2792b"), (474, "#f7c948"))], L("M440 544L496 534M440 534L496 544", "#6d4426", 8)]
    return J(o)


