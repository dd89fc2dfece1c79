# Texts of the storefront. The three languages hold the same messages with the same variables: build.rs compares them.
# Cyrillic Uzbek is derived from this file. Apostrophes: U+02BB in oʻ and gʻ, U+02BC elsewhere.

# Frame
skip = Asosiy qismga oʻtish
promise = Butun Oʻzbekiston boʻylab yetkazib beramiz
language = Til
own = Hisob va savat
search-label = Mahsulot qidirish
search-hint = Choynak, smartfon, adras…
search = Qidirish
login = Kirish
account = Hisobim
cart = Savat
pieces-in-cart = Savatdagi dona:
footer-lead = Mahalliy sotuvchilar va ustalar mollari bir joyda. Narxlar soʻmda, QQS bilan.
footer-pay = Toʻlov usullari
cash = Naqd pul
trail = Sahifa yoʻli
home = Bosh sahifa

# Home
home-title = Butun bozor bir joyda
home-lead = Chust pichogʻidan smartfongacha: mahalliy sotuvchilar, halol narxlar, tez yetkazish.
promise-delivery = Hamma viloyatga yetkazamiz
promise-pay = Payme, Click yoki naqd
promise-return = 10 kun ichida qaytarish
categories = Boʻlimlar
category = Boʻlim
category-lead = { $title }: narxlar, sharhlar va yetkazib berish. UltraMarket
popular = Ommabop mahsulotlar
newest = Yangi mahsulotlar
see-all = Hammasi

# What is away
away-catalogue = Katalog hozircha ochilmayapti. Birozdan keyin sahifani yangilang.
away-search = Qidiruv hozircha ishlamayapti. Boʻlimlar orqali topishingiz mumkin.
away-prices = Narxlarni hozir bilib boʻlmadi. Birozdan keyin sahifani yangilang.
away-orders = Buyurtmalar hozircha ochilmayapti. Birozdan keyin sahifani yangilang.

# Products in lists
in-stock = Sotuvda bor
sold-out = Tugagan
few-left = Faqat { $count } ta qoldi
later = Buyurtmaga: kelishi bilan yuboriladi
tier = { $count } tadan { $price }
no-offer = Sotuvda yoʻq
no-offer-text = Bu mahsulotni hozir hech kim sotmayapti.
from-price = { $price } dan
old-price = Eski narxi
rating = Baho

# Lists
filters = Saralash va filtrlar
sort = Tartib
sort-relevance = Mosligi boʻyicha
sort-popular = Avval ommaboplari
sort-new = Avval yangilari
sort-price = Avval arzonlari
sort-price-desc = Avval qimmatlari
sort-rating = Avval yuqori baholilari
brand = Brend
any-brand = Barcha brendlar
price-soum = Narxi, soʻm
from = dan
to = gacha
price-from = { $price } dan
price-to = { $price } gacha
only-in-stock = Faqat sotuvda borlari
show = Koʻrsatish
chosen-filters = Tanlangan filtrlar
remove-filter = Filtrni olib tashlash:
drop-filters = Filtrlarni tozalash
nothing-filtered = Bunday filtrlar bilan mahsulot topilmadi.
nothing-here = Bu boʻlimda hozircha mahsulot yoʻq.
pages = Sahifalar
next-page = Keyingi sahifa
first-page = Boshiga qaytish

# Search
search-all = Barcha mahsulotlar
search-heading = «{ $query }» boʻyicha natijalar
corrected = «{ $asked }» boʻyicha hech narsa topilmadi, shuning uchun «{ $found }» natijalarini koʻrsatyapmiz.
nothing-found = «{ $query }» boʻyicha hech narsa topilmadi.
hint-spelling = Soʻz toʻgʻri yozilganini tekshiring.
hint-shorter = Qisqaroq yozing: «simsiz quloqchin» oʻrniga «quloqchin».
hint-languages = Lotin, kirill yoki rus tilida qidirish mumkin.

# Product
offers = Takliflar
quantity = Soni
add-to-cart = Savatga qoʻshish
attributes = Xususiyatlari
reviews = Sharhlar
no-reviews = Hali sharh yoʻq.

# Cart
cart-empty = Savatingiz hozircha boʻsh.
to-shop = Xaridni boshlash
line-gone = Bu mahsulot tugagan yoki sotuvdan olingan
update = Yangilash
remove = Olib tashlash
your-order = Buyurtmangiz
discount-code = Promokod
apply = Qoʻllash
code-refused = bu savatga taʼsir qilmaydi
code-early = Bu promokod hali amal qilmaydi.
code-late = Promokodning muddati tugagan.
code-spent = Bu promokod eng koʻp marta ishlatib boʻlingan.
code-used = Siz bu promokodni allaqachon ishlatgansiz.
code-min = Bu promokod uchun mahsulotlar narxi kam.
code-goods = Bu promokod bu mahsulotlarga amal qilmaydi.
code-alone = Bu promokod bu mahsulotlarning chegirmalari bilan qoʻshilmaydi.
code-many = Savatda promokodlar juda koʻp.
to-checkout = Rasmiylashtirish
cart-not-ready = Davom etish uchun tugagan mahsulotlarni olib tashlang.
sum-items = Mahsulotlar
sum-discount = Chegirma
sum-delivery = Yetkazib berish
sum-delivery-later = manzilga qarab
sum-total = Jami
sum-tax = shu jumladan QQS

# Checkout
checkout = Buyurtmani rasmiylashtirish
mend-fields = Belgilangan maydonlarni tuzating.
step-who = Qabul qiluvchi
step-where = Manzil
step-how = Yetkazib berish usuli
step-pay = Toʻlov usuli
name = Ism va familiya
phone = Telefon raqami
district = Tuman yoki shahar
choose = Tanlang
street = Mahalla, koʻcha
house = Uy, xonadon
landmark = Moʻljal
landmark-hint = Masalan: 15-maktab roʻparasida
go-on = Davom etish
go-on-text = Keyingi qadamda yetkazib berish bilan birga yakuniy summani koʻrasiz.
place-order = Buyurtma berish
place-order-text = Onlayn toʻlovda toʻlov xizmati sahifasiga oʻtasiz. Karta maʼlumotlari bizga kelmaydi.
courier = Kuryer
courier-text = Eshigingizgacha
pickup = Olib ketish
pickup-text = Topshirish punktidan
post = Pochta
post-text = Eng yaqin pochta boʻlimiga
free = Bepul
days-range = { $from }–{ $to } kun
pay-payme = Payme ilovasi yoki karta orqali
pay-click = Click ilovasi orqali
pay-uzcard = UzCard yoki Humo kartasi bilan
pay-stripe = Xalqaro karta bilan
pay-cash = Mahsulotni olganda toʻlaysiz

# Forms
wrong-name = Ismingizni yozing
wrong-phone = Raqamni +998 90 123 45 67 kabi yozing
wrong-district = Tuman yoki shaharni tanlang
wrong-street = Mahalla yoki koʻchani yozing
wrong-choice = Birini tanlang
wrong-login = Login yoki parol notoʻgʻri.
wrong-totp = Ilovadagi tasdiqlash kodini kiriting.
wrong-too-often = Urinishlar juda koʻp. Birozdan keyin qaytadan urinib koʻring.
wrong-taken = Bu raqam bilan hisob ochilgan. Kirishga urinib koʻring.
wrong-password = Parol kamida 8 ta belgidan iborat boʻlsin.
phone-or-email = Telefon yoki e-pochta
password = Parol
password-hint = Kamida 8 ta belgi
totp = Tasdiqlash kodi
no-account = Hisobingiz yoʻqmi?
have-account = Hisobingiz bormi?
register = Roʻyxatdan oʻtish

# Account
logout = Chiqish
orders = Buyurtmalar
no-orders = Hali buyurtma bermagansiz.

# Orders
order-number = Buyurtma № { $number }
order-awaiting-payment = Toʻlov kutilmoqda
order-paid = Toʻlandi
order-processing = Tayyorlanmoqda
order-shipped = Yoʻlda
order-delivered = Yetkazildi
order-completed = Yakunlandi
order-cancelled = Bekor qilindi
order-refunded = Puli qaytarildi
payment = Toʻlov
payment-pending = Kutilmoqda
payment-processing = Amalga oshirilmoqda
payment-paid = Toʻlangan
payment-failed = Amalga oshmadi
payment-cancelled = Bekor qilingan
payment-refunded = Qaytarilgan
payment-partially-refunded = Qisman qaytarilgan
pay-title = Toʻlov
held-until = Mahsulotlar siz uchun { $time } gacha saqlab turiladi.
pay-now = { $provider } orqali toʻlash
pay-otherwise = Boshqa usulda toʻlash
pay-again = Toʻlash
tracking = Kuzatuv raqami
timeline = Buyurtma tarixi
summary = Tafsilotlar
recipient = Qabul qiluvchi
cancel-order = Buyurtmani bekor qilish
event-placed = Buyurtma berildi
event-paid = Toʻlov qabul qilindi
event-payment-failed = Toʻlov amalga oshmadi
event-accepted = Sotuvchi qabul qildi
event-shipped = Joʻnatildi
event-delivered = Yetkazildi
event-completed = Yakunlandi
event-cancelled = Bekor qilindi
event-expired = Toʻlov muddati tugadi
event-refunded = Pul qaytarildi
event-changed = Buyurtma yangilandi

# Notices
said-added = Mahsulot savatga qoʻshildi.
said-changed = Savat yangilandi.
said-code = Promokod qoʻllandi.
said-bad-code = Bu promokod amal qilmaydi.
said-placed = Rahmat! Buyurtmangiz qabul qilindi.
said-cancelled = Buyurtma bekor qilindi.
said-not-cancelled = Bu buyurtmani endi bekor qilib boʻlmaydi.
said-check = Yetkazib berish hisobga olindi. Yakuniy summani tekshirib, buyurtmani tasdiqlang.
said-gone = Bu mahsulot endi sotuvda yoʻq.
said-limit = Bunday miqdorda qoʻshib boʻlmaydi.
said-stock = Mahsulotlardan biri tugab qoldi. Savatni tekshiring.
said-price = Narx oʻzgardi. Yangi summani tekshirib, buyurtmani tasdiqlang.
said-provider = Bu toʻlov usuli hozir ishlamayapti. Boshqasini tanlang.
said-paid = Bu buyurtma toʻlangan.
said-in-progress = Oldingi toʻlov hali tugamagan. Birozdan keyin qaytadan urinib koʻring.

# Errors
error-missing = Sahifa topilmadi
error-missing-text = Manzil notoʻgʻri yoki mahsulot sotuvdan olingan.
error-refused = Soʻrov qabul qilinmadi
error-refused-text = Sahifa eskirgan boʻlishi mumkin. Orqaga qaytib, uni yangilang va qaytadan urinib koʻring.
error-too-much = Soʻrovlar juda koʻp
error-too-much-text = Bir daqiqadan keyin qaytadan urinib koʻring.
error-away = Xizmat hozir javob bermayapti
error-away-text = Birozdan keyin qaytadan urinib koʻring. Savatingiz saqlanib turadi.
error-conflict = Holat oʻzgardi
error-conflict-text = Orqaga qaytib, sahifani yangilang va qaytadan urinib koʻring.
error-ours = Bizda xatolik yuz berdi
error-ours-text = Bu haqda xabardormiz. Birozdan keyin qaytadan urinib koʻring.

# Dates
months = yanvar fevral mart aprel may iyun iyul avgust sentyabr oktyabr noyabr dekabr

# Counts
products-found = { $count } ta mahsulot
pieces = { $count } dona
reviews-count = { $count } ta sharh
days = { $count } kun

event-items-cancelled = Bir qismi bekor qilindi
event-refund-requested = Pul qaytarilmoqda
pieces-cancelled = { $count } ta bekor qilindi
returns = Qaytarishlar
return-title = Mahsulotni qaytarish
return-until = { $time } gacha mumkin.
return-reason = Sababi
return-send = Qaytarishni soʻrash
return-requested = Qaytarish soʻraldi
return-approved = Qaytarish tasdiqlandi
return-refused = Qaytarish rad etildi
return-received = Mahsulot qaytarib olindi
return-refunded = Qaytarildi, pul qaytdi
refunds = Qaytarilgan pullar
refund-pending = Yoʻlda
refund-succeeded = Qaytarildi
refund-failed = Qaytarilmadi
invoice = Hisob-faktura
said-returned = Soʻrovingiz sotuvchiga yuborildi.
said-not-returned = Bu mahsulotlarni qaytarib boʻlmaydi.
said-return-empty = Nimani va nima uchun qaytarayotganingizni yozing.
