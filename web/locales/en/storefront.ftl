# Texts of the storefront. The three languages hold the same messages with the same variables: build.rs compares them.

# Frame
skip = Skip to content
promise = Delivery all over Uzbekistan
language = Language
own = Account and cart
search-label = Search for products
search-hint = Teapot, smartphone, adras…
search = Search
login = Sign in
account = Account
cart = Cart
pieces-in-cart = Pieces in the cart:
footer-lead = Goods of local merchants and craftspeople in one place. Prices in soʻm, VAT included.
footer-pay = Ways to pay
cash = Cash
trail = You are here
home = Home

# Home
home-title = The whole bazaar in one place
home-lead = From Chust knives to smartphones: local merchants, fair prices, fast delivery.
promise-delivery = Delivery to every region
promise-pay = Payme, Click or cash
promise-return = Returns within 10 days
categories = Categories
category = Category
category-lead = { $title }: prices, reviews and delivery. UltraMarket
popular = Popular now
newest = New in
see-all = See all

# What is away
away-catalogue = The catalogue is not available right now. Please reload in a moment.
away-search = Search is not available right now. The categories below still work.
away-prices = Prices are not available right now. Please reload in a moment.
away-orders = Orders are not available right now. Please reload in a moment.

# Products in lists
in-stock = In stock
sold-out = Sold out
few-left = Only { $count } left
later = On backorder: sent as soon as it is in
tier = { $count } or more: { $price }
no-offer = Not on sale
no-offer-text = Nobody sells this product at the moment.
from-price = from { $price }
old-price = Old price
rating = Rating

# Lists
filters = Sort and filter
sort = Sort by
sort-relevance = Best match
sort-popular = Most popular first
sort-new = Newest first
sort-price = Cheapest first
sort-price-desc = Most expensive first
sort-rating = Best rated first
brand = Brand
any-brand = All brands
price-soum = Price, soʻm
from = from
to = to
price-from = from { $price }
price-to = up to { $price }
only-in-stock = Only in stock
show = Show
chosen-filters = Chosen filters
remove-filter = Remove filter:
drop-filters = Clear filters
nothing-filtered = No products match these filters.
nothing-here = There is nothing in this category yet.
pages = Pages
next-page = Next page
first-page = Back to the start

# Search
search-all = All products
search-heading = Results for “{ $query }”
corrected = Nothing matched “{ $asked }”, so these are results for “{ $found }”.
nothing-found = Nothing was found for “{ $query }”.
hint-spelling = Check the spelling.
hint-shorter = Use fewer words: “headphones” rather than “wireless headphones”.
hint-languages = You can search in Uzbek, Russian or English.

# Product
offers = Offers
quantity = Quantity
add-to-cart = Add to cart
attributes = Specifications
reviews = Reviews
no-reviews = No reviews yet.

# Cart
cart-empty = Your cart is empty.
to-shop = Go shopping
line-gone = Sold out or no longer on sale
update = Update
remove = Remove
your-order = Your order
discount-code = Discount code
apply = Apply
code-refused = has no effect on this cart
code-early = This code cannot be used yet.
code-late = This code has expired.
code-spent = This code has been used as often as it may.
code-used = You have used this code already.
code-min = Your goods cost too little for this code.
code-goods = This code does not apply to these goods.
code-alone = This code does not combine with the discounts of these goods.
code-many = There are too many codes in the cart.
to-checkout = Check out
cart-not-ready = Remove what is sold out to continue.
sum-items = Items
sum-discount = Discount
sum-delivery = Delivery
sum-delivery-later = depends on the address
sum-total = Total
sum-tax = of which VAT

# Checkout
checkout = Checkout
mend-fields = Please correct the marked fields.
step-who = Recipient
step-where = Address
step-how = Delivery method
step-pay = Payment method
name = Full name
phone = Phone number
district = District or city
choose = Choose
street = Street
house = House, flat
landmark = Landmark
landmark-hint = For example: opposite school no. 15
go-on = Continue
go-on-text = You will see the total with delivery before you order.
place-order = Place order
place-order-text = Paying online opens the payment service’s page. Card details never reach us.
courier = Courier
courier-text = To your door
pickup = Pickup
pickup-text = From a pickup point
post = Post
post-text = To the nearest post office
free = Free
days-range = { $from }–{ $to } days
pay-payme = With the Payme app or a card
pay-click = With the Click app
pay-uzcard = With an UzCard or Humo card
pay-stripe = With an international card
pay-cash = You pay on delivery

# Forms
wrong-name = Please enter your name
wrong-phone = Enter a number like +998 90 123 45 67
wrong-district = Choose a district or city
wrong-street = Enter the street
wrong-choice = Choose one
wrong-login = Wrong login or password.
wrong-totp = Enter the code from your authenticator app.
wrong-too-often = Too many attempts. Please try again later.
wrong-taken = There is an account with this number already. Try signing in.
wrong-password = The password needs at least 8 characters.
phone-or-email = Phone or e-mail
password = Password
password-hint = At least 8 characters
totp = Confirmation code
no-account = No account yet?
have-account = Have an account?
register = Register

# Account
logout = Sign out
orders = Orders
no-orders = You have not ordered anything yet.

# Orders
order-number = Order { $number }
order-awaiting-payment = Awaiting payment
order-paid = Paid
order-processing = Being prepared
order-shipped = On its way
order-delivered = Delivered
order-completed = Completed
order-cancelled = Cancelled
order-refunded = Refunded
payment = Payment
payment-pending = Pending
payment-processing = In progress
payment-paid = Paid
payment-failed = Failed
payment-cancelled = Cancelled
payment-refunded = Refunded
payment-partially-refunded = Partially refunded
pay-title = Payment
held-until = The goods are kept for you until { $time }.
pay-now = Pay with { $provider }
pay-otherwise = Pay another way
pay-again = Pay
tracking = Tracking
timeline = Order history
summary = Details
recipient = Recipient
cancel-order = Cancel the order
event-placed = Order placed
event-paid = Payment received
event-payment-failed = Payment failed
event-accepted = Accepted by the merchant
event-shipped = Shipped
event-delivered = Delivered
event-completed = Completed
event-cancelled = Cancelled
event-expired = The time to pay ran out
event-refunded = Refunded
event-changed = Order updated

# Notices
said-added = Added to your cart.
said-changed = Your cart was updated.
said-code = The code was applied.
said-bad-code = This code is not valid.
said-placed = Thank you! Your order is placed.
said-cancelled = The order is cancelled.
said-not-cancelled = This order can no longer be cancelled.
said-check = Delivery is included now. Check the total and place your order.
said-gone = This product is no longer on sale.
said-limit = That quantity is not possible.
said-stock = Something has just sold out. Please check your cart.
said-price = A price has changed. Check the new total and place your order.
said-provider = This way to pay is not available now. Please choose another.
said-paid = This order is paid already.
said-in-progress = The last payment is still in progress. Please try again in a moment.

# Errors
error-missing = Page not found
error-missing-text = The address is wrong, or the product is no longer on sale.
error-refused = The request was refused
error-refused-text = The page may be out of date. Go back, reload it and try again.
error-too-much = Too many requests
error-too-much-text = Please try again in a minute.
error-away = The service is not answering
error-away-text = Please try again in a moment. Your cart is safe.
error-conflict = Something has changed
error-conflict-text = Go back, reload the page and try again.
error-ours = Something went wrong on our side
error-ours-text = We know about it. Please try again later.

# Dates
months = January February March April May June July August September October November December

# Counts
products-found = { $count ->
    [one] { $count } product
   *[other] { $count } products
}
pieces = { $count ->
    [one] { $count } piece
   *[other] { $count } pieces
}
reviews-count = { $count ->
    [one] { $count } review
   *[other] { $count } reviews
}
days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}

event-items-cancelled = Part of it cancelled
event-refund-requested = Money on its way back
pieces-cancelled = { $count } cancelled
returns = Returns
return-title = Return goods
return-until = Possible until { $time }.
return-reason = Reason
return-send = Ask for the return
return-requested = Return requested
return-approved = Return approved
return-refused = Return refused
return-received = Goods received back
return-refunded = Returned, money is back
refunds = Refunds
refund-pending = On its way
refund-succeeded = Returned
refund-failed = Not returned
invoice = Invoice
said-returned = Your request is with the seller.
said-not-returned = These goods cannot be returned.
said-return-empty = Say what you return and why.
