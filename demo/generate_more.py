#!/usr/bin/env python3
"""Writes data/more.csv: 5,000 rows for trying out the import. Same output every run."""

import csv
import hashlib
import random
import re
from itertools import product
from pathlib import Path

TOTAL = 5000
HEADER = ["sku", "title_uz", "title_ru", "title_en", "category", "brand", "price", "stock", "mxik",
          "package_code", "vat_percent", "image_url"]

# Colour: Uzbek, Russian (masculine, feminine, neuter, plural), English.
COLOURS = {
    "black": ("qora", ("чёрный", "чёрная", "чёрное", "чёрные"), "black"),
    "white": ("oq", ("белый", "белая", "белое", "белые"), "white"),
    "blue": ("ko'k", ("синий", "синяя", "синее", "синие"), "blue"),
    "green": ("yashil", ("зелёный", "зелёная", "зелёное", "зелёные"), "green"),
    "red": ("qizil", ("красный", "красная", "красное", "красные"), "red"),
    "grey": ("kulrang", ("серый", "серая", "серое", "серые"), "grey"),
    "brown": ("jigarrang", ("коричневый", "коричневая", "коричневое", "коричневые"), "brown"),
    "yellow": ("sariq", ("жёлтый", "жёлтая", "жёлтое", "жёлтые"), "yellow"),
    "pink": ("pushti", ("розовый", "розовая", "розовое", "розовые"), "pink"),
    "turquoise": ("feruza", ("бирюзовый", "бирюзовая", "бирюзовое", "бирюзовые"), "turquoise"),
    "purple": ("binafsha", ("фиолетовый", "фиолетовая", "фиолетовое", "фиолетовые"), "purple"),
}
GENDER = {"m": 0, "f": 1, "n": 2, "p": 3}

# Each shelf: brands, colours, features (Uzbek before the noun, Russian after it, English before it),
# sizes (Uzbek, Russian, English, price factor), nouns (Uzbek, Russian, gender, English, goods heading, soʻm).
SHELVES = {
    "smartphones": dict(
        brands=["Nurafon", "Zarbon", "Qadam"], colours="black white blue green purple",
        features=[("magnitli", "с магнитом", "magnetic"), ("zarbaga chidamli", "противоударного типа", "shockproof"), ("ixcham", "компактного размера", "compact"), ("", "", "")],
        sizes=[("6,1 dyuym", "6,1 дюйма", "6.1 inch", 1), ("6,5 dyuym", "6,5 дюйма", "6.5 inch", 1.1), ("6,7 dyuym", "6,7 дюйма", "6.7 inch", 1.2)],
        nouns=[("telefon g'ilofi", "Чехол для телефона", "m", "phone case", "3926", 45000), ("telefon charm g'ilofi", "Кожаный чехол для телефона", "m", "leather phone case", "4202", 95000), ("telefon tagligi", "Подставка для телефона", "f", "phone stand", "3926", 39000), ("telefon ushlagichi", "Держатель для телефона", "m", "phone holder", "8708", 65000), ("telefon sumkachasi", "Сумочка для телефона", "f", "phone pouch", "4202", 59000), ("suv o'tkazmas telefon g'ilofi", "Водонепроницаемый чехол для телефона", "m", "waterproof phone case", "3926", 79000)]),
    "laptops": dict(
        brands=["BilimBook", "Lochin", "Mirzo"], colours="black grey blue pink green",
        features=[("yengil", "облегчённого типа", "lightweight"), ("yumshoq astarli", "с мягкой подкладкой", "padded"), ("namdan himoyalangan", "с защитой от влаги", "water-resistant"), ("", "", "")],
        sizes=[("13 dyuym", "13 дюймов", "13 inch", 1), ("14 dyuym", "14 дюймов", "14 inch", 1.05), ("15,6 dyuym", "15,6 дюйма", "15.6 inch", 1.15), ("17 dyuym", "17 дюймов", "17 inch", 1.3)],
        nouns=[("noutbuk sumkasi", "Сумка для ноутбука", "f", "laptop bag", "4202", 190000), ("noutbuk ryukzagi", "Рюкзак для ноутбука", "m", "laptop backpack", "4202", 280000), ("noutbuk g'ilofi", "Чехол для ноутбука", "m", "laptop sleeve", "4202", 120000), ("noutbuk tagligi", "Подставка для ноутбука", "f", "laptop stand", "8473", 145000), ("noutbuk sovutgichi", "Охлаждающая подставка для ноутбука", "f", "laptop cooling stand", "8414", 220000)]),
    "tv-audio": dict(
        brands=["Navo", "Oynak", "Lochin"], colours="black white blue red grey",
        features=[("Bluetooth", "с Bluetooth", "Bluetooth"), ("mikrofonli", "с микрофоном", "microphone-equipped"), ("buklanadigan", "складного типа", "foldable"), ("", "", "")],
        sizes=[("5 Vt", "5 Вт", "5 W", 1), ("10 Vt", "10 Вт", "10 W", 1.3), ("20 Vt", "20 Вт", "20 W", 1.8), ("40 Vt", "40 Вт", "40 W", 2.6)],
        nouns=[("kolonka", "Колонка", "f", "speaker", "8518", 190000), ("radiopriyomnik", "Радиоприёмник", "m", "radio", "8527", 150000), ("ovoz kuchaytirgich", "Усилитель звука", "m", "audio amplifier", "8518", 340000), ("karaoke to'plami", "Комплект для караоке", "m", "karaoke set", "8518", 420000), ("musiqa markazi", "Музыкальный центр", "m", "music centre", "8519", 690000)]),
    "large-appliances": dict(
        brands=["Salqin", "Tozalik", "Olov", "Shabada"], colours="white black grey red",
        features=[("tejamkor", "экономичного класса", "energy-saving"), ("invertorli", "с инвертором", "inverter"), ("sensorli", "с сенсорной панелью", "touch-control"), ("", "", "")],
        sizes=[("50 sm", "50 см", "50 cm", 1), ("55 sm", "55 см", "55 cm", 1.1), ("60 sm", "60 см", "60 cm", 1.2), ("90 sm", "90 см", "90 cm", 1.6)],
        nouns=[("gaz plitasi", "Газовая плита", "f", "gas cooker", "7321", 2600000), ("elektr duxovka", "Электрическая духовка", "f", "electric oven", "8516", 2900000), ("pishirish paneli", "Варочная панель", "f", "hob", "8516", 1900000), ("oshxona havo tortgichi", "Кухонная вытяжка", "f", "cooker hood", "8414", 1100000), ("muzlatkich", "Холодильник", "m", "refrigerator", "8418", 4300000), ("kir yuvish mashinasi", "Стиральная машина", "f", "washing machine", "8450", 3900000)]),
    "small-appliances": dict(
        brands=["Damla", "Silliq", "Olov", "Tozalik"], colours="white black red grey green",
        features=[("taymerli", "с таймером", "timer"), ("shisha idishli", "со стеклянной чашей", "glass-bowl"), ("yoritgichli", "с подсветкой", "illuminated"), ("", "", "")],
        sizes=[("600 Vt", "600 Вт", "600 W", 1), ("800 Vt", "800 Вт", "800 W", 1.15), ("1000 Vt", "1000 Вт", "1000 W", 1.3), ("1500 Vt", "1500 Вт", "1500 W", 1.6)],
        nouns=[("mikser", "Миксер", "m", "mixer", "8509", 260000), ("toster", "Тостер", "m", "toaster", "8516", 270000), ("sharbat chiqargich", "Соковыжималка", "f", "juicer", "8509", 480000), ("qahva maydalagich", "Кофемолка", "f", "coffee grinder", "8509", 210000), ("oshxona kombayni", "Кухонный комбайн", "m", "food processor", "8509", 690000), ("aerogril", "Аэрогриль", "m", "air fryer", "8516", 820000)]),
    "home-textiles": dict(
        brands=["Oqshom", "Hunar Uyi", "Gilamchi"], colours="white blue green red pink turquoise",
        features=[("paxta", "из хлопка", "cotton"), ("satin", "из сатина", "sateen"), ("adras", "из адраса", "adras"), ("zig'ir", "из льна", "linen")],
        sizes=[("70×140 sm", "70×140 см", "70×140 cm", 1), ("150×200 sm", "150×200 см", "150×200 cm", 1.8), ("200×220 sm", "200×220 см", "200×220 cm", 2.4)],
        nouns=[("yopinchiq", "Плед", "m", "throw", "6301", 110000), ("choyshab", "Простыня", "f", "bed sheet", "6302", 78000), ("ko'rpa jildi", "Пододеяльник", "m", "duvet cover", "6302", 130000), ("dasturxon", "Скатерть", "f", "tablecloth", "6302", 65000), ("karavot yopqichi", "Покрывало", "n", "bedspread", "6304", 160000), ("parda", "Штора", "f", "curtain", "6303", 140000)]),
    "dishes": dict(
        brands=["Oq Paxta", "Rishton Sopol", "Cho'yanchi"], colours="white blue turquoise green brown",
        features=[("naqshli", "с узором", "patterned"), ("chinni", "из фарфора", "porcelain"), ("sopol", "из керамики", "ceramic"), ("emal", "с эмалью", "enamel")],
        sizes=[("0,5 l", "0,5 л", "0.5 l", 1), ("1 l", "1 л", "1 l", 1.4), ("1,5 l", "1,5 л", "1.5 l", 1.8), ("3 l", "3 л", "3 l", 2.6)],
        nouns=[("choynak", "Чайник", "m", "teapot", "6911", 68000), ("ko'za", "Кувшин", "m", "jug", "6912", 72000), ("kosa", "Коса", "f", "soup bowl", "6911", 32000), ("salat idishi", "Салатник", "m", "salad bowl", "6911", 45000), ("qopqoqli idish", "Ёмкость с крышкой", "f", "lidded container", "6912", 54000)]),
    "furniture": dict(
        brands=["Orzu", "Oila", "Shaffof", "Oromgoh"], colours="white brown grey black green",
        features=[("yong'oq", "из ореха", "walnut"), ("qayin", "из берёзы", "birch"), ("eman", "из дуба", "oak"), ("laminat", "из ламината", "laminate")],
        sizes=[("60 sm", "60 см", "60 cm", 1), ("80 sm", "80 см", "80 cm", 1.25), ("120 sm", "120 см", "120 cm", 1.7)],
        nouns=[("kitob javoni", "Книжный шкаф", "m", "bookcase", "9403", 890000), ("jurnal stoli", "Журнальный стол", "m", "coffee table", "9403", 620000), ("komod", "Комод", "m", "chest of drawers", "9403", 980000), ("oyoq kiyim javoni", "Обувница", "f", "shoe cabinet", "9403", 540000), ("yozuv stoli", "Письменный стол", "m", "writing desk", "9403", 850000), ("televizor tumbasi", "Тумба под телевизор", "f", "TV stand", "9403", 760000)]),
    "mens-clothing": dict(
        brands=["Saraton", "Yo'lovchi", "Qorqiz"], colours="black white blue grey green brown",
        features=[("paxta", "из хлопка", "cotton"), ("zig'ir", "из льна", "linen"), ("trikotaj", "из трикотажа", "knitted")],
        sizes=[("M", "M", "M", 1), ("L", "L", "L", 1), ("XL", "XL", "XL", 1.03), ("XXL", "XXL", "XXL", 1.06)],
        nouns=[("erkaklar ko'ylagi", "Мужская рубашка", "f", "men's shirt", "6205", 210000), ("erkaklar futbolkasi", "Мужская футболка", "f", "men's T-shirt", "6109", 99000), ("erkaklar shimi", "Мужские брюки", "p", "men's trousers", "6203", 250000), ("erkaklar jemperi", "Мужской джемпер", "m", "men's jumper", "6110", 260000), ("erkaklar shorti", "Мужские шорты", "p", "men's shorts", "6203", 140000), ("erkaklar nimchasi", "Мужской жилет", "m", "men's waistcoat", "6203", 280000)]),
    "womens-clothing": dict(
        brands=["Lola", "Hunar Uyi", "Qorqiz"], colours="black white red green turquoise pink purple",
        features=[("paxta", "из хлопка", "cotton"), ("ipak", "из шёлка", "silk"), ("adras", "из адраса", "adras"), ("shtapel", "из штапеля", "staple rayon")],
        sizes=[("44", "44", "size 44", 1), ("46", "46", "size 46", 1), ("48", "48", "size 48", 1.03), ("50", "50", "size 50", 1.06)],
        nouns=[("ayollar ko'ylagi", "Женское платье", "n", "women's dress", "6204", 320000), ("ayollar bluzkasi", "Женская блузка", "f", "women's blouse", "6206", 190000), ("ayollar yubkasi", "Женская юбка", "f", "women's skirt", "6204", 180000), ("ayollar tunikasi", "Женская туника", "f", "women's tunic", "6211", 230000), ("ayollar shimi", "Женские брюки", "p", "women's trousers", "6204", 220000), ("ayollar xalati", "Женский халат", "m", "women's robe", "6208", 170000)]),
    "shoes": dict(
        brands=["Yugur", "Qadriyat", "Qorqiz", "Lola"], colours="black white brown blue grey",
        features=[("charm", "из кожи", "leather"), ("zamsha", "из замши", "suede"), ("to'qima", "из текстиля", "textile")],
        sizes=[(str(n), str(n), f"size {n}", 1) for n in range(36, 46, 2)],
        nouns=[("krossovka", "Кроссовки", "p", "trainers", "6404", 340000), ("tufli", "Туфли", "p", "shoes", "6403", 420000), ("etik", "Сапоги", "p", "boots", "6403", 590000), ("botinka", "Ботинки", "p", "ankle boots", "6403", 510000), ("mokasin", "Мокасины", "p", "moccasins", "6403", 360000)]),
    "kids": dict(
        brands=["Quvnoq", "Ziyoda", "Sayr"], colours="white blue pink yellow green red",
        features=[("paxta", "из хлопка", "cotton"), ("yumshoq", "из мягкой ткани", "soft"), ("issiq", "с тёплой подкладкой", "warm-lined")],
        sizes=[("2 yosh", "2 года", "age 2", 1), ("4 yosh", "4 года", "age 4", 1.08), ("6 yosh", "6 лет", "age 6", 1.16), ("8 yosh", "8 лет", "age 8", 1.24)],
        nouns=[("bolalar kombinezoni", "Детский комбинезон", "m", "children's overalls", "6111", 190000), ("bolalar pijamasi", "Детская пижама", "f", "children's pyjamas", "6108", 120000), ("bolalar kurtkasi", "Детская куртка", "f", "children's jacket", "6201", 310000), ("bolalar shapkasi", "Детская шапка", "f", "children's hat", "6505", 55000), ("bolalar kostyumi", "Детский костюм", "m", "children's suit", "6203", 260000), ("bolalar xalati", "Детский халат", "m", "children's dressing gown", "6208", 130000)]),
    "beauty": dict(
        brands=["Anorgul", "O'rikgul", "Sovungar", "Lola"], colours="",
        features=[("anorli", "с гранатом", "pomegranate"), ("o'rik yog'li", "с маслом абрикоса", "apricot oil"), ("lavandali", "с лавандой", "lavender"), ("asalli", "с мёдом", "honey"), ("bodom yog'li", "с маслом миндаля", "almond oil"), ("moychechakli", "с ромашкой", "camomile")],
        sizes=[("100 ml", "100 мл", "100 ml", 1), ("200 ml", "200 мл", "200 ml", 1.5), ("250 ml", "250 мл", "250 ml", 1.7), ("400 ml", "400 мл", "400 ml", 2.3)],
        nouns=[("shampun", "Шампунь", "m", "shampoo", "3305", 21000), ("soch balzami", "Бальзам для волос", "m", "hair balm", "3305", 24000), ("dush geli", "Гель для душа", "m", "shower gel", "3307", 19000), ("qo'l kremi", "Крем для рук", "m", "hand cream", "3304", 18000), ("tana losoni", "Лосьон для тела", "m", "body lotion", "3304", 28000), ("suyuq sovun", "Жидкое мыло", "n", "liquid soap", "3401", 14000)]),
    "groceries": dict(
        brands=["Bog'bon", "Choynoma", "Asalchi", "Shirinobod"], colours="",
        features=[("oliy navli", "высшего сорта", "premium"), ("yangi hosil", "нового урожая", "new-crop"), ("saralangan", "отборного качества", "hand-picked"), ("fermer", "от фермера", "farm")],
        sizes=[("250 g", "250 г", "250 g", .3), ("500 g", "500 г", "500 g", .55), ("1 kg", "1 кг", "1 kg", 1), ("2 kg", "2 кг", "2 kg", 1.95), ("5 kg", "5 кг", "5 kg", 4.7)],
        nouns=[("mayiz", "Изюм", "m", "raisins", "0806", 48000), ("turshak", "Курага", "f", "dried apricots", "0813", 62000), ("yong'oq mag'zi", "Ядро грецкого ореха", "n", "walnut kernels", "0802", 85000), ("bodom", "Миндаль", "m", "almonds", "0802", 95000), ("pista", "Фисташки", "p", "pistachios", "0802", 160000), ("no'xat", "Нут", "m", "chickpeas", "0713", 21000), ("mosh", "Маш", "m", "mung beans", "0713", 19000), ("loviya", "Фасоль", "f", "beans", "0713", 23000), ("lazer guruchi", "Рис лазер", "m", "lazer rice", "1006", 22000), ("alanga guruchi", "Рис аланга", "m", "alanga rice", "1006", 19000), ("zira", "Зира", "f", "cumin", "0909", 110000), ("ko'k choy", "Зелёный чай", "m", "green tea", "0902", 120000), ("qora choy", "Чёрный чай", "m", "black tea", "0902", 115000)]),
    "books-stationery": dict(
        brands=["Qalamdon", "Sahifa", "Mirzo"], colours="blue green red yellow black",
        features=[("katakli", "в клетку", "squared"), ("chiziqli", "в линейку", "lined"), ("oq varaqli", "с белыми листами", "blank-page")],
        sizes=[("24 varaq", "24 листа", "24 sheets", 1), ("48 varaq", "48 листов", "48 sheets", 1.6), ("80 varaq", "80 листов", "80 sheets", 2.3), ("96 varaq", "96 листов", "96 sheets", 2.6)],
        nouns=[("daftar", "Тетрадь", "f", "exercise book", "4820", 4500), ("bloknot", "Блокнот", "m", "notepad", "4820", 11000), ("kundalik", "Ежедневник", "m", "diary", "4820", 24000), ("yon daftarcha", "Записная книжка", "f", "pocket notebook", "4820", 9000), ("prujinali daftar", "Тетрадь на пружине", "f", "spiral notebook", "4820", 8500), ("qattiq muqovali daftar", "Тетрадь в твёрдой обложке", "f", "hardcover notebook", "4820", 16000)]),
    "sport-garden-auto": dict(
        brands=["Yutuq", "Bog'bon", "Cho'qqi", "Yo'ldosh"], colours="black blue green red grey",
        features=[("mustahkamlangan", "усиленного типа", "reinforced"), ("buklanadigan", "складного типа", "folding"), ("yengil", "облегчённого типа", "lightweight"), ("", "", "")],
        sizes=[("kichik", "малый размер", "small", 1), ("o'rta", "средний размер", "medium", 1.25), ("katta", "большой размер", "large", 1.6)],
        nouns=[("sport sumkasi", "Спортивная сумка", "f", "sports bag", "4202", 150000), ("sayr stuli", "Походный стул", "m", "camping chair", "9401", 130000), ("sayr stoli", "Походный стол", "m", "camping table", "9403", 260000), ("termosumka", "Термосумка", "f", "cool bag", "4202", 140000), ("bog' savati", "Садовая корзина", "f", "garden basket", "4602", 60000), ("avtomobil organayzeri", "Органайзер для автомобиля", "m", "car organiser", "4202", 110000), ("bog' zontigi", "Садовый зонт", "m", "garden umbrella", "6601", 320000)]),
}


def uz(text):
    """Plain apostrophes to the letters of the Uzbek Latin alphabet."""
    text = re.sub(r"(?<=[oOgG])'", "\u02bb", text)
    return re.sub(r"(?<=\w)'(?=\w)", "\u02bc", text)


def code(text, modulo):
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % modulo


def join(*parts):
    return " ".join(p for p in parts if p)


def price(base, factor, rnd):
    value = base * factor * rnd.uniform(.85, 1.3)
    step = 500 if value < 50_000 else 1000 if value < 1_000_000 else 10_000
    whole = max(step, round(value / step) * step)
    tail = rnd.random()
    if tail < .02:
        return f"{whole - 1}.99"
    if tail < .04:
        return f"{whole}.50"
    return str(whole)


def shelf_rows(number, slug, shelf, count):
    rnd = random.Random("more/" + slug)
    colours = shelf["colours"].split() or [None]
    combos = list(product(shelf["nouns"], shelf["features"], shelf["sizes"], colours, shelf["brands"]))
    rnd.shuffle(combos)
    if len(combos) < count:
        raise SystemExit(f"{slug}: only {len(combos)} combinations")
    for i, (noun, feature, size, colour, brand) in enumerate(combos[:count], 1):
        n_uz, n_ru, gender, n_en, heading, base = noun
        brand = uz(brand)
        c_uz = c_ru = c_en = ""
        if colour:
            c_uz, forms, c_en = COLOURS[colour]
            c_ru = forms[GENDER[gender]]
        t_uz = join(brand, feature[0], n_uz)
        t_ru = join(n_ru, feature[1], brand)
        t_en = join(brand, feature[2], n_en)
        titles = [", ".join(p for p in (t, c, s) if p) for t, c, s in
                  ((uz(t_uz), uz(c_uz), uz(size[0])), (t_ru, c_ru, size[1]), (t_en, c_en, size[2]))]
        kind = n_en + feature[2]
        mxik = f"0{heading}{code(n_en, 40) + 1:03d}{code(feature[2] + heading, 30) + 1:03d}{code(kind, 900) + 1:03d}000"
        stock = 0 if rnd.random() < .06 else rnd.randint(1, 200)
        yield [f"MORE{number:02d}-{i:04d}", *titles, slug, brand, price(base, size[3], rnd), stock, mxik,
               str(1200000 + code("pack" + kind, 399999)), 12, ""]


def main():
    slugs = list(SHELVES)
    rows = []
    for i, slug in enumerate(slugs):
        count = TOTAL // len(slugs) + (1 if i < TOTAL % len(slugs) else 0)
        rows += shelf_rows(i + 1, slug, SHELVES[slug], count)
    out = Path(__file__).resolve().parent / "data" / "more.csv"
    with out.open("w", encoding="utf-8", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(HEADER)
        w.writerows(rows)
    print(f"{len(rows)} rows written to {out.name}")


if __name__ == "__main__":
    main()
