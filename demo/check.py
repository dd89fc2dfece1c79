#!/usr/bin/env python3
"""Checks the demo data. Standard library only, Python 3.11+. Exit code 1 on any error."""

import csv
import re
import struct
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA, PICTURES = HERE / "data", HERE / "pictures"
LANGS = ("uz", "ru", "en")
CSV_HEADER = "sku,title_uz,title_ru,title_en,category,brand,price,stock,mxik,package_code,vat_percent,image_url"
PLAIN_SIZES = {"S", "M", "L", "XL", "XXL"}
NAME_KEYS = {"origin", "author"}
errors = []


def need(ok, where, what):
    if not ok:
        errors.append(f"{where}: {what}")
    return ok


def load(path):
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as e:
        errors.append(f"{path.name}: {e}")
        return {}


def texts(where, field, value):
    if not need(isinstance(value, dict) and set(value) == set(LANGS), where, f"{field} needs exactly {LANGS}"):
        return
    for lang, text in value.items():
        need(text.strip() == text and text, where, f"{field}.{lang} empty or padded")
        if lang == "uz":
            need(not re.search(r"['`’‘´]", text), where, f"{field}.uz has a wrong apostrophe: {text}")
            need(not re.search(r"[oOgG]\u02bc", text), where, f"{field}.uz: U+02BC after o or g: {text}")
            need(not re.search("[а-яёА-ЯЁ]", text), where, f"{field}.uz has Cyrillic letters: {text}")
        if lang == "ru":
            need(re.search("[а-яё]", text), where, f"{field}.ru has no Cyrillic letters")
        if lang == "en":
            need(not re.search("[а-яёА-ЯЁ]", text), where, f"{field}.en has Cyrillic letters")


def ean13(code):
    if not re.fullmatch(r"478\d{10}", code):
        return False
    total = sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(code[:12]))
    return (10 - total % 10) % 10 == int(code[12])


def jpeg_size(path):
    data = path.read_bytes()
    if data[:2] != b"\xff\xd8":
        return None
    i = 2
    while i + 9 < len(data):
        marker, length = data[i + 1], struct.unpack(">H", data[i + 2:i + 4])[0]
        if marker in (0xC0, 0xC1, 0xC2):
            h, w = struct.unpack(">HH", data[i + 5:i + 9])
            return w, h
        i += 2 + length
    return None


def whole(v, low=0, high=10**12):
    return isinstance(v, int) and not isinstance(v, bool) and low <= v <= high


def check_categories():
    cats = {}
    for c in load(DATA / "categories.toml").get("category", []):
        slug = c.get("slug", "?")
        need(re.fullmatch(r"[a-z]+(-[a-z]+)*", slug), slug, "slug is not ascii kebab")
        need(slug not in cats, slug, "category twice")
        need(re.fullmatch(r"[a-z]+", c.get("icon", "")), slug, "icon")
        texts(slug, "title", c.get("title"))
        cats[slug] = c
    roots = {s for s, c in cats.items() if "parent" not in c}
    leaves = set(cats) - roots
    for s in leaves:
        need(cats[s]["parent"] in roots, s, "parent is not a root")
    need(len(leaves) == 16, "categories", f"{len(leaves)} leaves, expected 16")
    need({cats[s]["parent"] for s in leaves} == roots, "categories", "a root without leaves")
    return roots, leaves


def check_merchants():
    out = {}
    for m in load(DATA / "merchants.toml").get("merchant", []):
        key = m.get("key", "?")
        need(key not in out, key, "merchant twice")
        need(re.fullmatch(r"\d{9}", m.get("tin", "")), key, "tin")
        for f in ("phone", "owner_phone"):
            need(re.fullmatch(r"\+998(20|33|[5-9]\d)\d{7}", m.get(f, "")), key, f)
        need(m.get("email", "").endswith("@example.uz"), key, "email")
        need(re.fullmatch(r"17\d\d", m.get("region", "")), key, "region")
        need(m.get("name") and m.get("legal_name"), key, "name")
        texts(key, "description", m.get("description"))
        out[key] = m
    need(len(out) == 4, "merchants", f"{len(out)}, expected 4")
    for f in ("tin", "phone", "owner_phone", "email"):
        need(len({m.get(f) for m in out.values()}) == len(out), "merchants", f"{f} not unique")
    return out


def check_labels():
    labels = load(DATA / "labels.toml")
    for part in ("keys", "values", "units"):
        for k, v in labels.get(part, {}).items():
            need(set(v) == set(LANGS) and all(v.values()), f"labels.{part}.{k}", "three languages")
    return labels


def check_word(where, labels, key, value):
    need(re.fullmatch(r"[a-z]+(_[a-z]+)*", key), where, f"key {key}")
    need(key in labels.get("keys", {}), where, f"no label for key {key}")
    need(isinstance(value, str) and value, where, f"{key} must be text")
    if key in NAME_KEYS or value in PLAIN_SIZES or re.search(r"\d", value) or re.fullmatch(r"A\+*", value):
        return
    need(value in labels.get("values", {}), where, f"no label for value {value}")


def check_products(leaves, merchants, labels):
    keys, skus, barcodes, titles = {}, set(), set(), set()
    per_merchant = {m: 0 for m in merchants}
    seconds = reviews = variants = several = 0
    files = {p.stem: p for p in (DATA / "products").glob("*.toml")}
    need(set(files) == leaves, "products", f"files and leaves differ: {set(files) ^ leaves}")
    for slug, path in sorted(files.items()):
        products = load(path).get("product", [])
        need(len(products) >= 6, slug, f"{len(products)} products, expected 6 or more")
        for p in products:
            key = p.get("key", "?")
            need(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key), key, "key is not an ascii slug")
            need(key not in keys, key, "product twice")
            keys[key] = p
            if need(p.get("merchant") in merchants, key, "unknown merchant"):
                per_merchant[p["merchant"]] += 1
            texts(key, "title", p.get("title"))
            texts(key, "description", p.get("description"))
            title = p.get("title", {}).get("uz")
            need(title not in titles, key, "title twice")
            titles.add(title)
            need(p.get("vat_percent") in (0, 12), key, "vat_percent")
            need(re.fullmatch(r"\d{17}", p.get("mxik", "")), key, "mxik")
            need(re.fullmatch(r"\d{1,20}", p.get("package_code", "")), key, "package_code")
            need(re.fullmatch(r"\d{1,10}", p.get("unit_code", "")), key, "unit_code")
            need(p.get("attributes"), key, "no attributes")
            for k, v in p.get("attributes", {}).items():
                check_word(key, labels, k, v)
            own, options = {}, set()
            need(p.get("variants"), key, "no variants")
            several += len(p.get("variants", [])) > 1
            for v in p.get("variants", []):
                variants += 1
                sku = v.get("sku", "?")
                need(re.fullmatch(r"[A-Z0-9-]+", sku) and sku not in skus, key, f"sku {sku}")
                skus.add(sku)
                own[sku] = v
                need(ean13(v.get("barcode", "")) and v["barcode"] not in barcodes, sku, "barcode")
                barcodes.add(v.get("barcode"))
                need(whole(v.get("price"), 1000), sku, "price")
                if "compare_at" in v:
                    need(whole(v["compare_at"]) and v["compare_at"] > v["price"], sku, "compare_at")
                need(whole(v.get("stock"), 0, 200), sku, "stock")
                o = tuple(sorted(v.get("options", {}).items()))
                need(o not in options, sku, "same options twice")
                options.add(o)
                for k, x in o:
                    check_word(sku, labels, k, x)
            need(len({tuple(k for k, _ in o) for o in options}) == 1, key, "variants with different option keys")
            need(any(v.get("stock") for v in own.values()), key, "nothing in stock")
            offers = set()
            for s in p.get("second_offers", []):
                need(s.get("merchant") in merchants and s["merchant"] != p["merchant"], key, "second offer merchant")
                need(s.get("sku") in own, key, "second offer sku")
                need(whole(s.get("price"), 1000) and whole(s.get("stock"), 0, 200), key, "second offer numbers")
                pair = (s.get("merchant"), s.get("sku"))
                need(pair not in offers, key, "second offer twice")
                offers.add(pair)
            seconds += bool(offers)
            need(len(p.get("reviews", [])) <= 6, key, "too many reviews")
            for r in p.get("reviews", []):
                reviews += 1
                need(r.get("author") and r.get("text") and r.get("lang") in ("uz", "ru"), key, "review")
                need(whole(r.get("rating"), 1, 5), key, "review rating")
                cyrillic = bool(re.search("[а-яё]", r.get("text", "")))
                need(cyrillic == (r.get("lang") == "ru"), key, f"review language: {r.get('text')}")
                need(not re.search(r"['`’‘]", r.get("text", "") + r.get("author", "")), key, "review apostrophe")
            picture = PICTURES / f"{key}.jpg"
            if need(picture.exists(), key, "no picture"):
                need(picture.stat().st_size < 40_000, key, "picture too large")
                need(jpeg_size(picture) == (640, 640), key, "picture is not a 640x640 JPEG")
    for extra in {p.stem for p in PICTURES.glob("*.jpg")} - set(keys):
        errors.append(f"{extra}: picture without a product")
    need(len(keys) >= 96, "products", f"{len(keys)}, expected 96 or more")
    need(seconds >= 20, "products", f"{seconds} with second offers, expected 20 or more")
    for m, n in per_merchant.items():
        need(n >= 12, m, f"{n} products, expected 12 or more")
    print(f"{len(keys)} products, {variants} variants, {several} products with several variants, "
          f"{seconds} with second offers, {reviews} reviews")
    print("per merchant:", per_merchant)
    return skus


def check_csv(leaves, skus):
    with (DATA / "more.csv").open(encoding="utf-8", newline="") as f:
        need(f.readline().rstrip("\r\n") == CSV_HEADER, "more.csv", "header")
        f.seek(0)
        rows = list(csv.DictReader(f))
    need(len(rows) == 5000, "more.csv", f"{len(rows)} rows")
    seen, titles = set(), {lang: set() for lang in LANGS}
    for n, r in enumerate(rows, 2):
        where = f"more.csv:{n}"
        need(r["sku"] not in seen and r["sku"] not in skus, where, "sku not unique")
        seen.add(r["sku"])
        texts(where, "title", {lang: r[f"title_{lang}"] for lang in LANGS})
        for lang in LANGS:
            need(r[f"title_{lang}"] not in titles[lang], where, f"title_{lang} twice")
            titles[lang].add(r[f"title_{lang}"])
        need(r["category"] in leaves, where, "category")
        need(re.fullmatch(r"[1-9]\d*(\.\d{1,2})?", r["price"]), where, "price")
        need(re.fullmatch(r"\d+", r["stock"]) and int(r["stock"]) <= 200, where, "stock")
        need(re.fullmatch(r"\d{17}", r["mxik"]), where, "mxik")
        need(re.fullmatch(r"\d{1,20}", r["package_code"]), where, "package_code")
        need(r["vat_percent"] in ("0", "12") and r["image_url"] == "" and r["brand"], where, "vat, image or brand")
    print(f"{len(rows)} import rows")


def main():
    roots, leaves = check_categories()
    merchants = check_merchants()
    labels = check_labels()
    print(f"{len(roots)} roots, {len(leaves)} leaf categories, {len(merchants)} merchants")
    skus = check_products(leaves, merchants, labels)
    check_csv(leaves, skus)
    for e in errors:
        print("error:", e)
    print("OK" if not errors else f"{len(errors)} errors")
    sys.exit(bool(errors))


if __name__ == "__main__":
    main()
