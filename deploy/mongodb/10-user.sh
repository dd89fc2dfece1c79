# shellcheck shell=bash disable=SC2154
# Runs once, when the server's folder is empty, inside the image's own start (which gives `mongo`, its shell): the user of the
# services may read and write their two databases and nothing else.
"${mongo[@]}" admin --eval '
    db.createUser({
        user: "ultramarket",
        pwd: process.env.MONGODB_PASSWORD,
        roles: ["product", "notification"].map((name) => ({ role: "readWrite", db: name })),
    })'
