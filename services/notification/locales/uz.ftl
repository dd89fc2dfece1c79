# O‘zbekcha, lotin yozuvi. The Cyrillic form is derived from this file.
# The value is the title (of a letter: the subject); .body is the text.

order-placed = Buyurtma qabul qilindi
    .body = { $number } raqamli buyurtmangiz qabul qilindi. Holatini buyurtmalar bo‘limida kuzating.
order-paid = To‘lov qabul qilindi
    .body = { $number } raqamli buyurtma uchun to‘lov qabul qilindi. Sotuvchi uni tayyorlamoqda.
order-paid-after-end = To‘lov kechikib keldi
    .body = { $number } raqamli buyurtma yopilganidan keyin to‘lov keldi. Pulingiz qaytariladi.
order-accepted = Buyurtma tayyorlanmoqda
    .body = Sotuvchi { $number } raqamli buyurtmani tayyorlashni boshladi.
order-shipped = Buyurtma yo‘lga chiqdi
    .body = { $number } raqamli buyurtmangiz yetkazib berishga topshirildi.
order-delivered = Buyurtma yetkazildi
    .body = { $number } raqamli buyurtmangiz yetkazib berildi. Xaridingiz uchun rahmat!
order-cancelled = Buyurtma bekor qilindi
    .body = { $number } raqamli buyurtma bekor qilindi. To‘langan bo‘lsa, pulingiz qaytariladi.
order-expired = To‘lov muddati tugadi
    .body = { $number } raqamli buyurtma o‘z vaqtida to‘lanmagani uchun bekor qilindi.
order-refunded = Pul qaytarildi
    .body = { $number } raqamli buyurtma uchun pul qaytarildi.
order-items-cancelled = Buyurtmaning bir qismi bekor qilindi
    .body = Sotuvchi { $number } raqamli buyurtmaning bir qismini yubora olmaydi. Uning puli qaytariladi.
order-return-approved = Qaytarish tasdiqlandi
    .body = Sotuvchi { $number } raqamli buyurtma mahsulotini qaytarib oladi. Uni topshiring.
order-return-refused = Qaytarish rad etildi
    .body = Sotuvchi { $number } raqamli buyurtma mahsulotini qaytarib olmaydi. Sababi buyurtmada ko‘rsatilgan.
order-refund-done = Pul qaytarildi
    .body = { $number } raqamli buyurtma pulining bir qismi qaytarildi.

merchant-order-placed = Yangi buyurtma
    .body = { $number } raqamli yangi buyurtma keldi. Uni qabul qilib, jo‘nating.
merchant-order-cancelled = Buyurtma bekor qilindi
    .body = { $number } raqamli buyurtma bekor qilindi. Uni jo‘natmang.
merchant-return-requested = Qaytarish so‘raldi
    .body = Xaridor { $number } raqamli buyurtma mahsulotini qaytarmoqchi. Javob bering.
merchant-low-stock = Mahsulot kam qoldi
    .body = { $title }: { $count } ta qoldi. Zaxirani to‘ldiring.
merchant-back-in-stock = Mahsulot yana sotuvda
    .body = { $title }: yana { $count } ta bor, sotuvda.
merchant-applied = Ariza qabul qilindi
    .body = “{ $name }” do‘koni uchun arizangiz ko‘rib chiqilmoqda.
merchant-application = Yangi sotuvchi arizasi
    .body = “{ $name }” sotuvchi bo‘lish uchun ariza berdi.
merchant-approved = Do‘kon tasdiqlandi
    .body = “{ $name }” do‘koni tasdiqlandi. Endi mahsulot joylashtirishingiz mumkin.
merchant-rejected = Ariza rad etildi
    .body = “{ $name }” do‘koni uchun ariza rad etildi. Sababi: { $reason }
merchant-suspended = Do‘kon to‘xtatib qo‘yildi
    .body = “{ $name }” do‘konining savdosi vaqtincha to‘xtatildi. Yordam xizmatiga murojaat qiling.

otp-code = Tasdiqlash kodi
    .body = UltraMarket: tasdiqlash kodi { $code }. Uni hech kimga aytmang.
password-reset = Parolni tiklash
    .body = UltraMarket: parolni tiklash kodi { $token }. Agar buni siz so‘ramagan bo‘lsangiz, e’tibor bermang.
