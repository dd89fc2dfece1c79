#!/usr/bin/env bash
# Healthy is a primary. The first time there is no set yet: it is made here.
set -euo pipefail

mongosh --quiet --norc --host 127.0.0.1 admin --eval '
    db.auth("root", process.env.MONGO_INITDB_ROOT_PASSWORD);
    try {
        rs.status();
    } catch (error) {
        if (error.codeName !== "NotYetInitialized") throw error;
        rs.initiate({ _id: "ultramarket", members: [{ _id: 0, host: "mongodb:27017" }] });
    }
    quit(db.hello().isWritablePrimary ? 0 : 1);'
