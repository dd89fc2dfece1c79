#!/usr/bin/env python3
"""Draws the demo product pictures.

    python generate.py                draw every picture
    python generate.py KEY ...        draw only these
    python generate.py --check        look for missing, oversized or look-alike pictures
    python generate.py --sheet DIR    also write contact sheets as PNG into DIR

Needs Python 3.11+, resvg-py and Pillow.
"""

import argparse
import io
import sys
import tomllib
from pathlib import Path

import kit

HERE = Path(__file__).resolve().parent
PRODUCTS = HERE.parent / "data" / "products"
LIMIT = 40_000
MIN_DISTANCE = 40  # of 512 bits


def drawings():
    found = {}
    for name in ("draw_tech", "draw_home", "draw_wear", "draw_daily"):
        module = __import__(name)
        for key, value in module.DRAW.items():
            if key in found:
                sys.exit(f"{key}: drawn twice")
            found[key] = value
    return found


def product_keys():
    keys = []
    for path in sorted(PRODUCTS.glob("*.toml")):
        keys += [p["key"] for p in tomllib.loads(path.read_text("utf-8"))["product"]]
    return keys


def svg(entry):
    bg, kind, body = entry
    kit.new_sheet()
    inner = kit.scene(bg, kind, body())
    return kit.document(inner)


def render(entry):
    import resvg_py
    from PIL import Image
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg(entry)))
    return Image.open(io.BytesIO(png)).convert("RGB")


def save(image, path):
    quality = 82
    while True:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if buffer.tell() < LIMIT or quality <= 60:
            break
        quality -= 4
    path.write_bytes(buffer.getvalue())


def fingerprint(image):
    """Difference hash in both directions, 512 bits."""
    from PIL import Image
    grey = image.convert("L")
    bits = []
    a = grey.resize((17, 16), Image.Resampling.LANCZOS).tobytes()
    bits += [a[y * 17 + x] < a[y * 17 + x + 1] for y in range(16) for x in range(16)]
    b = grey.resize((16, 17), Image.Resampling.LANCZOS).tobytes()
    bits += [b[y * 16 + x] < b[(y + 1) * 16 + x] for y in range(16) for x in range(16)]
    return bits


def check(keys):
    from PIL import Image
    errors, prints = [], {}
    for key in keys:
        path = HERE / f"{key}.jpg"
        if not path.exists():
            errors.append(f"{key}: no picture")
            continue
        if path.stat().st_size >= LIMIT:
            errors.append(f"{key}: {path.stat().st_size} bytes")
        image = Image.open(path)
        if image.size != (kit.SIZE, kit.SIZE) or image.format != "JPEG":
            errors.append(f"{key}: {image.format} {image.size}")
        prints[key] = fingerprint(image)
    for extra in {p.stem for p in HERE.glob("*.jpg")} - set(keys):
        errors.append(f"{extra}: picture without a product")
    names, closest = sorted(prints), (513, "", "")
    for i, a in enumerate(names):
        for b in names[i + 1:]:
            distance = sum(x != y for x, y in zip(prints[a], prints[b]))
            closest = min(closest, (distance, a, b))
            if distance < MIN_DISTANCE:
                errors.append(f"{a} and {b} look alike ({distance})")
    print(f"{len(names)} pictures, closest pair {closest[1]} / {closest[2]}: {closest[0]} of 512 bits differ")
    for e in errors:
        print("error:", e)
    return not errors


def contact_sheets(keys, folder, columns=6, cell=220):
    from PIL import Image
    per = columns * 4
    for n in range(0, len(keys), per):
        part = keys[n:n + per]
        rows = -(-len(part) // columns)
        sheet = Image.new("RGB", (columns * cell, rows * cell), "white")
        for i, key in enumerate(part):
            image = Image.open(HERE / f"{key}.jpg").resize((cell - 6, cell - 6), Image.Resampling.LANCZOS)
            sheet.paste(image, ((i % columns) * cell + 3, (i // columns) * cell + 3))
        out = Path(folder) / f"sheet{n // per + 1}.png"
        sheet.save(out)
        print(out, *part)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("keys", nargs="*")
    ap.add_argument("--check", action="store_true")
    ap.add_argument("--sheet")
    args = ap.parse_args()
    if args.check:
        sys.exit(0 if check(product_keys()) else 1)
    found = drawings()
    keys = args.keys or list(found)
    for key in keys:
        save(render(found[key]), HERE / f"{key}.jpg")
    print(f"{len(keys)} pictures drawn")
    if args.sheet:
        contact_sheets(keys, args.sheet)


if __name__ == "__main__":
    main()
