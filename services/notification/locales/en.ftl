# English. The value is the title (of a letter: the subject); .body is the text.

order-placed = Order placed
    .body = Your order { $number } has been placed. You can follow it under Orders.
order-paid = Payment received
    .body = The payment for order { $number } has arrived. The seller is preparing it.
order-paid-after-end = Payment came late
    .body = The payment for order { $number } came after the order was closed. You will get your money back.
order-accepted = Order in preparation
    .body = The seller has begun to prepare order { $number }.
order-shipped = Order on its way
    .body = Your order { $number } has been handed over for delivery.
order-delivered = Order delivered
    .body = Your order { $number } has been delivered. Thank you!
order-cancelled = Order cancelled
    .body = Order { $number } has been cancelled. If it was paid, you will get your money back.
order-expired = Time to pay is over
    .body = Order { $number } has been cancelled because it was not paid in time.
order-refunded = Money returned
    .body = The money for order { $number } has been returned.

merchant-order-placed = New order
    .body = A new order has arrived: { $number }. Please accept and ship it.
merchant-applied = Application received
    .body = The application of “{ $name }” is being looked at.
merchant-application = New seller application
    .body = “{ $name }” would like to become a seller.
merchant-approved = Shop approved
    .body = “{ $name }” has been approved. You can add products now.
merchant-rejected = Application rejected
    .body = The application of “{ $name }” has been rejected. Reason: { $reason }
merchant-suspended = Shop suspended
    .body = Sales of “{ $name }” are suspended for now. Please contact support.

otp-code = Verification code
    .body = UltraMarket: your code is { $code }. Do not tell it to anybody.
password-reset = Password reset
    .body = UltraMarket: the code to set a new password is { $token }. If you did not ask for it, do nothing.
