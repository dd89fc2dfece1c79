//! A small shop: products that people in Uzbekistan buy, in a fixed order.

use search::domain::{Aspect, Card, Category, Change, Localized, Offers, Rating};

/// Name, Uzbek, Russian and English title, category, brand, attributes, price in so'm.
type Row = (&'static str, [&'static str; 3], &'static str, &'static str, &'static str, i64);

/// Slug, titles, ancestors.
#[rustfmt::skip]
const CATEGORIES: [(&str, [&str; 3], &[&str]); 16] = [
    ("smartphones", ["Smartfonlar", "Смартфоны", "Smartphones"], &["electronics"]),
    ("phone-accessories", ["Telefon aksessuarlari", "Аксессуары для телефонов", "Phone accessories"], &["electronics"]),
    ("laptops", ["Noutbuklar", "Ноутбуки", "Laptops"], &["electronics"]),
    ("tv", ["Televizorlar", "Телевизоры", "Televisions"], &["electronics"]),
    ("audio", ["Audiotexnika", "Аудиотехника", "Audio"], &["electronics"]),
    ("fridges", ["Muzlatgichlar", "Холодильники", "Fridges"], &["appliances"]),
    ("washers", ["Kir yuvish mashinalari", "Стиральные машины", "Washing machines"], &["appliances"]),
    ("kitchen", ["Oshxona texnikasi", "Техника для кухни", "Kitchen appliances"], &["appliances"]),
    ("cleaning", ["Tozalash texnikasi", "Техника для уборки", "Cleaning"], &["appliances"]),
    ("outerwear", ["Ustki kiyim", "Верхняя одежда", "Outerwear"], &["clothes"]),
    ("t-shirts", ["Futbolkalar", "Футболки", "T-shirts"], &["clothes"]),
    ("dresses", ["Koʻylaklar", "Платья", "Dresses"], &["clothes"]),
    ("shoes", ["Poyabzallar", "Обувь", "Shoes"], &["clothes"]),
    ("dishes", ["Idish-tovoq", "Посуда", "Dishes"], &["home"]),
    ("toys", ["Oʻyinchoqlar", "Игрушки", "Toys"], &["kids"]),
    ("groceries", ["Oziq-ovqat", "Продукты", "Groceries"], &[]),
];

#[rustfmt::skip]
const ROWS: [Row; 41] = [
    ("a55", ["Smartfon Samsung Galaxy A55 256GB", "Смартфон Samsung Galaxy A55 256 ГБ", "Samsung Galaxy A55 256GB smartphone"], "smartphones", "Samsung", "memory=256 GB;color=qora", 4_990_000),
    ("s24", ["Smartfon Samsung Galaxy S24 Ultra", "Смартфон Samsung Galaxy S24 Ultra", "Samsung Galaxy S24 Ultra smartphone"], "smartphones", "Samsung", "memory=512 GB;color=kulrang", 14_990_000),
    ("iphone", ["Smartfon Apple iPhone 15 128GB", "Смартфон Apple iPhone 15 128 ГБ", "Apple iPhone 15 128GB"], "smartphones", "Apple", "memory=128 GB;color=qora", 11_500_000),
    ("redmi", ["Smartfon Xiaomi Redmi Note 13", "Смартфон Xiaomi Redmi Note 13", "Xiaomi Redmi Note 13 smartphone"], "smartphones", "Xiaomi", "memory=128 GB;color=koʻk", 2_590_000),
    ("case", ["Telefon uchun gʻilof iPhone 15", "Чехол для телефона iPhone 15", "Case for iPhone 15"], "phone-accessories", "Spigen", "color=shaffof", 120_000),
    ("charger", ["Quvvatlagich 25W USB-C", "Зарядное устройство 25W USB-C", "Charger 25W USB-C"], "phone-accessories", "Samsung", "", 190_000),
    ("macbook", ["Noutbuk Apple MacBook Air M3", "Ноутбук Apple MacBook Air M3", "Apple MacBook Air M3 laptop"], "laptops", "Apple", "memory=256 GB", 14_200_000),
    ("ideapad", ["Noutbuk Lenovo IdeaPad Slim 3", "Ноутбук Lenovo IdeaPad Slim 3", "Lenovo IdeaPad Slim 3 laptop"], "laptops", "Lenovo", "memory=512 GB", 6_400_000),
    ("artel-tv", ["Televizor Artel 43 dyuym", "Телевизор Artel 43 дюйма", "Artel 43 inch television"], "tv", "Artel", "diagonal=43", 2_900_000),
    ("lg-tv", ["Televizor LG OLED 55", "Телевизор LG OLED 55", "LG OLED 55 television"], "tv", "LG", "diagonal=55", 15_900_000),
    ("airpods", ["Quloqchin Apple AirPods Pro 2", "Наушники Apple AirPods Pro 2", "Apple AirPods Pro 2 headphones"], "audio", "Apple", "", 3_100_000),
    ("jbl", ["Kolonka JBL Flip 6", "Колонка JBL Flip 6", "JBL Flip 6 speaker"], "audio", "JBL", "", 1_350_000),
    ("artel-fridge", ["Muzlatgich Artel HD 345", "Холодильник Artel HD 345", "Artel HD 345 fridge"], "fridges", "Artel", "color=oq", 4_300_000),
    ("lg-fridge", ["Muzlatgich LG Side by Side", "Холодильник LG Side by Side", "LG Side by Side refrigerator"], "fridges", "LG", "color=kulrang", 18_700_000),
    ("lg-washer", ["Kir yuvish mashinasi LG 7 kg", "Стиральная машина LG 7 кг", "LG washing machine 7 kg"], "washers", "LG", "color=oq", 5_600_000),
    ("artel-washer", ["Kir yuvish mashinasi Artel 6 kg", "Стиральная машина Artel 6 кг", "Artel washing machine 6 kg"], "washers", "Artel", "color=oq", 3_100_000),
    ("kettle", ["Elektr choynak Tefal 1.7 l", "Электрический чайник Tefal 1.7 л", "Tefal electric kettle 1.7 l"], "kitchen", "Tefal", "color=qora", 420_000),
    ("blender", ["Blender Bosch 800 Vt", "Блендер Bosch 800 Вт", "Bosch 800 W blender"], "kitchen", "Bosch", "", 650_000),
    ("microwave", ["Mikrotoʻlqinli pech Artel", "Микроволновая печь Artel", "Artel microwave oven"], "kitchen", "Artel", "", 890_000),
    ("vacuum", ["Changyutgich Dyson V11", "Пылесос Dyson V11", "Dyson V11 vacuum cleaner"], "cleaning", "Dyson", "", 7_900_000),
    ("iron", ["Dazmol Philips bugʻli", "Утюг Philips с паром", "Philips steam iron"], "cleaning", "Philips", "", 560_000),
    ("jacket-m", ["Erkaklar qishki kurtkasi", "Мужская зимняя куртка", "Men's winter jacket"], "outerwear", "Terra Pro", "color=qora;size=L", 690_000),
    ("jacket-k", ["Bolalar uchun kurtka", "Куртка для детей", "Jacket for kids"], "outerwear", "Terra Pro", "color=qizil;size=S", 390_000),
    ("tshirt", ["Paxtali futbolka oq", "Белая хлопковая футболка", "White cotton t-shirt"], "t-shirts", "Uztex", "color=oq;size=M", 89_000),
    ("dress", ["Atlas koʻylak ayollar uchun", "Платье из атласа для женщин", "Atlas silk dress for women"], "dresses", "Margilan Ipak", "color=rangli", 450_000),
    ("shirt", ["Erkaklar koʻylagi klassik", "Мужская рубашка классическая", "Men's classic shirt"], "dresses", "Uztex", "color=oq", 220_000),
    ("sneakers", ["Nike krossovkalari", "Кроссовки Nike", "Nike sneakers"], "shoes", "Nike", "color=oq;size=42", 1_150_000),
    ("boots", ["Charm etik ayollar uchun", "Кожаные сапоги женские", "Women's leather boots"], "shoes", "Ecco", "color=qora;size=38", 980_000),
    ("teapot", ["Rishton choynagi 1 litr", "Риштанский чайник 1 литр", "Rishtan teapot 1 litre"], "dishes", "Rishton Ceramics", "", 145_000),
    ("piyola", ["Piyola toʻplami 6 dona", "Набор пиал 6 штук", "Set of 6 tea bowls"], "dishes", "Rishton Ceramics", "", 110_000),
    ("qozon", ["Choʻyan qozon 8 litr", "Чугунный казан 8 литров", "Cast iron cauldron 8 litres"], "dishes", "Toshkent Metall", "", 380_000),
    ("knife", ["Chust pichogʻi", "Чустский нож", "Chust knife"], "dishes", "Chust Ustalari", "", 250_000),
    ("lego", ["LEGO oʻyinchoq mashina", "Игрушка LEGO машина", "LEGO toy car"], "toys", "LEGO", "", 640_000),
    ("doll", ["Qoʻgʻirchoq Barbi", "Кукла Барби", "Barbie doll"], "toys", "Barbie", "", 310_000),
    ("bike", ["Bolalar velosipedi 16 dyuym", "Детский велосипед 16 дюймов", "Kids bicycle 16 inch"], "toys", "Stels", "color=qizil", 1_250_000),
    ("backpack", ["Maktab ryukzagi", "Школьный рюкзак", "School backpack"], "toys", "Grizzly", "color=koʻk", 280_000),
    ("tea", ["Koʻk choy Ahmad 250 g", "Зеленый чай Ahmad 250 г", "Ahmad green tea 250 g"], "groceries", "Ahmad Tea", "", 38_000),
    ("rice", ["Lazer guruch 5 kg", "Рис лазер 5 кг", "Lazer rice 5 kg"], "groceries", "Xorazm", "", 110_000),
    ("coffee", ["Qahva Jacobs Monarch", "Кофе Jacobs Monarch", "Jacobs Monarch coffee"], "groceries", "Jacobs", "", 95_000),
    ("oil", ["Paxta yogʻi 1 litr", "Хлопковое масло 1 литр", "Cottonseed oil 1 litre"], "groceries", "Oltin", "", 24_000),
    ("halva", ["Samarqand holvasi", "Самаркандская халва", "Samarkand halva"], "groceries", "Siyob", "", 45_000),
];

/// The id of the product at a place.
pub(crate) fn id_at(place: u32) -> ids::ProductId {
    ids::ProductId::from_u128(
        (0x0190_0000_0000_7000_u128 << 64) | 0x8000_0000_0000_0000 | u128::from(place),
    )
}

/// The name of a product here.
pub(crate) fn name(id: ids::ProductId) -> &'static str {
    (0..41).find(|place| id_at(*place) == id).map_or("?", |place| ROWS[place as usize].0)
}

fn text(texts: [&str; 3]) -> Localized {
    Localized { uz: texts[0].to_owned(), ru: texts[1].to_owned(), en: texts[2].to_owned() }
}

/// The whole shop.
pub(crate) fn changes() -> Vec<Change> {
    (0..).zip(ROWS).map(|(place, row)| change(place, row)).collect()
}

fn change(place: u32, (_, title, category, brand, attributes, price): Row) -> Change {
    let (slug, category_title, ancestors) =
        *CATEGORIES.iter().find(|known| known.0 == category).unwrap();
    let card = Card {
        active: true,
        title: text(title),
        description: text([
            "Kafolat bilan, tez yetkazib berish",
            "С гарантией, быстрая доставка",
            "With warranty",
        ]),
        category: Category {
            id: format!("cat_{slug}"),
            slug: slug.to_owned(),
            title: text(category_title),
            ancestors: ancestors.iter().map(|slug| (*slug).to_owned()).collect(),
        },
        brand: brand.to_owned(),
        attributes: attributes
            .split(';')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        created_at: 1_790_000_000_000 + i64::from(place),
        popularity: i64::from(41 - place),
    };
    let offers = Offers {
        price_from: price * 100,
        in_stock: place % 7 != 6,
        sellers: vec![if place.is_multiple_of(2) { "mer_even" } else { "mer_odd" }.to_owned()],
    };
    let rating = Rating { thousandths: 3000 + (place * 37) % 2000, count: place };
    Change { id: id_at(place), version: 1, aspect: Aspect::Card(Box::new((card, offers, rating))) }
}
